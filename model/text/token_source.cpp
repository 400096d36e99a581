// SPDX-License-Identifier: BSD-3-Clause
#include "model/text/token_source.hpp"

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "model/text/character_corpus.hpp"
#include "model/text/joined_files.hpp"

namespace nodezero::model {
namespace {

/// An id of a token file: unsigned, 16 bits, low byte first.
std::uint16_t id_at(std::string_view bytes, std::size_t at) {
  const auto low = static_cast<unsigned char>(bytes[at]);
  const auto high = static_cast<unsigned char>(bytes[at + 1]);
  return static_cast<std::uint16_t>(low | high << 8);
}

void check_range(std::uint64_t offset, std::size_t count, std::uint64_t size) {
  if (offset > size || count > size - offset) {
    throw std::out_of_range(
        fmt::format("tokens [{}, {} + {}) of a source of {}", offset, offset, count, size));
  }
}

/// One token for each byte.
class ByteTokens : public TokenSource {
 public:
  explicit ByteTokens(JoinedFiles files) : files_(std::move(files)) {}
  std::uint64_t size() const override { return files_.size(); }
  void read(std::uint64_t offset, std::span<std::int32_t> out) const override {
    check_range(offset, out.size(), size());
    std::vector<char> bytes(out.size());
    files_.read(offset, bytes);
    std::ranges::transform(bytes, out.begin(),
                           [](char byte) { return static_cast<unsigned char>(byte); });
  }

 private:
  JoinedFiles files_;
};

/// Ids of a token file. Every file has an even size, so no id straddles two pieces.
class FileTokens : public TokenSource {
 public:
  explicit FileTokens(JoinedFiles files) : files_(std::move(files)) {}
  std::uint64_t size() const override { return files_.size() / 2; }
  void read(std::uint64_t offset, std::span<std::int32_t> out) const override {
    check_range(offset, out.size(), size());
    std::vector<char> bytes(out.size() * 2);
    files_.read(offset * 2, bytes);
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = id_at({bytes.data(), bytes.size()}, 2 * i);
    }
  }

 private:
  JoinedFiles files_;
};

class CharacterTokens : public TokenSource {
 public:
  explicit CharacterTokens(CharacterIds ids) : ids_(std::move(ids)) {}
  std::uint64_t size() const override { return ids_.count; }
  void read(std::uint64_t offset, std::span<std::int32_t> out) const override {
    check_range(offset, out.size(), size());
    std::ranges::copy_n(ids_.ids.get() + offset, static_cast<std::ptrdiff_t>(out.size()),
                        out.begin());
  }

 private:
  CharacterIds ids_;
};

bool is_token_file(const std::filesystem::path& path) {
  return path.extension() == ".bin";
}

/// Looks at token files: finds their largest id, and refuses ids outside a vocabulary.
class TokenFileInspector : public JoinedFiles::Inspector {
 public:
  /// A vocabulary of 0 is not known and admits every id.
  explicit TokenFileInspector(std::int64_t vocabulary) : vocabulary_(vocabulary) {}

  Result<JoinedFiles::Part> part_of(const InputFile& file) override {
    if (file.size() % 2 != 0) {
      return fail(ErrorCode::malformed,
                  fmt::format("{}: has {} bytes, but a token file holds 2 for each id; write it "
                              "again as unsigned 16-bit numbers",
                              file.path().string(), file.size()));
    }
    return JoinedFiles::Part{0, file.size()};
  }

  Result<void> look(const InputFile& file, std::uint64_t offset, std::string_view bytes) override {
    std::uint16_t largest = 0;
    for (std::size_t i = 0; i < bytes.size(); i += 2) {
      largest = std::max(largest, id_at(bytes, i));
    }
    if (vocabulary_ > 0 && largest >= vocabulary_) {
      return refuse_first_outside(file, offset, bytes);
    }
    largest_ = std::max<std::int64_t>(largest_, largest);
    return {};
  }

  std::int64_t vocabulary() const { return vocabulary_ > 0 ? vocabulary_ : largest_ + 1; }

 private:
  tl::unexpected<Error> refuse_first_outside(const InputFile& file, std::uint64_t offset,
                                             std::string_view bytes) const {
    std::size_t at = 0;
    while (id_at(bytes, at) < vocabulary_) {
      at += 2;
    }
    return fail(
        ErrorCode::malformed,
        fmt::format("{}: token {} has the id {}, but the vocabulary has {} ids; check that "
                    "the file was made for this model",
                    file.path().string(), (offset + at) / 2, id_at(bytes, at), vocabulary_));
  }

  std::int64_t vocabulary_;
  std::int64_t largest_ = 0;
};

Result<Corpus> open_token_files(std::span<const std::filesystem::path> files,
                                const Tokenizer* vocabulary_of, std::int64_t bin_vocabulary) {
  TokenFileInspector inspector(bin_vocabulary == 0 && vocabulary_of != nullptr
                                   ? vocabulary_of->vocabulary()
                                   : bin_vocabulary);
  auto joined = JoinedFiles::open(files, inspector);
  if (!joined) {
    return tl::unexpected(joined.error());
  }
  const std::uint64_t bytes = joined->size();
  auto used = joined->used();
  return Corpus{std::make_shared<FileTokens>(std::move(*joined)),
                vocabulary_of != nullptr ? *vocabulary_of : Tokenizer::none(inspector.vocabulary()),
                bytes, std::move(used)};
}

Result<Corpus> open_bytes(std::span<const std::filesystem::path> files) {
  JoinedFiles::Inspector accepts_everything;
  auto joined = JoinedFiles::open(files, accepts_everything);
  if (!joined) {
    return tl::unexpected(joined.error());
  }
  const std::uint64_t bytes = joined->size();
  auto used = joined->used();
  return Corpus{std::make_shared<ByteTokens>(std::move(*joined)), Tokenizer::bytes(), bytes,
                std::move(used)};
}

Result<Corpus> open_characters(std::span<const std::filesystem::path> files,
                               const Tokenizer* vocabulary_of) {
  auto ids = read_characters(files, vocabulary_of);
  if (!ids) {
    return tl::unexpected(ids.error());
  }
  const std::uint64_t bytes = ids->bytes;
  Tokenizer tokenizer =
      vocabulary_of != nullptr ? *vocabulary_of : Tokenizer::chars(std::move(ids->alphabet));
  auto used = std::move(ids->used);
  return Corpus{std::make_shared<CharacterTokens>(std::move(*ids)), std::move(tokenizer), bytes,
                std::move(used)};
}

}  // namespace

Result<Corpus> open_corpus(std::span<const std::filesystem::path> files, Tokenizer::Kind kind,
                           const Tokenizer* vocabulary_of, std::int64_t bin_vocabulary) {
  if (files.empty()) {
    return fail(ErrorCode::invalid_argument, "no data to read; name files or folders");
  }
  if (bin_vocabulary < 0) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("'vocabulary' must be positive, not {}", bin_vocabulary));
  }
  const auto is_other_kind = [&](const std::filesystem::path& path) {
    return is_token_file(path) != is_token_file(files.front());
  };
  if (const auto other = std::ranges::find_if(files, is_other_kind); other != files.end()) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} and {}: token files (.bin) and text cannot be mixed; name one kind",
                            files.front().string(), other->string()));
  }
  if (is_token_file(files.front())) {
    return open_token_files(files, vocabulary_of, bin_vocabulary);
  }
  switch (vocabulary_of != nullptr ? vocabulary_of->kind() : kind) {
    case Tokenizer::Kind::bytes:
      return open_bytes(files);
    case Tokenizer::Kind::chars:
      return open_characters(files, vocabulary_of);
    case Tokenizer::Kind::none:
      break;
  }
  return fail(
      ErrorCode::invalid_argument,
      fmt::format(
          "{}: text, but this model takes token ids; give token files (.bin), or train a new "
          "model with the bytes or the chars tokenizer",
          files.front().string()));
}

}  // namespace nodezero::model
