// SPDX-License-Identifier: BSD-3-Clause
#include "model/text/encoded_corpus.hpp"

#include <array>
#include <bit>
#include <cstring>
#include <fcntl.h>
#include <functional>
#include <string>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "model/bpe/byte_pair_training.hpp"
#include "model/bpe/byte_pairs.hpp"
#include "model/files/atomic_file.hpp"
#include "model/files/file_writer.hpp"
#include "model/files/sha256.hpp"
#include "model/text/file_kinds.hpp"
#include "model/text/text_blocks.hpp"

namespace nodezero::model {
namespace {

namespace fs = std::filesystem;

static_assert(std::endian::native == std::endian::little);

/// What a file of ids begins with. The ids follow, low byte first, to the end of the file.
struct Head {
  std::array<char, 8> magic{'n', 'z', 't', 'o', 'k', 'e', 'n', 's'};
  std::uint32_t version = 1;
  std::uint32_t bytes_an_id = 2;
  std::array<char, 64> sha256{};  ///< of the ids

  friend bool operator==(const Head&, const Head&) = default;
};
static_assert(sizeof(Head) == 80);

std::uint32_t bytes_an_id(const Tokenizer& tokenizer) {
  return tokenizer.vocabulary() <= (1 << 16) ? 2 : 4;
}

class EncodedTokens : public TokenSource {
 public:
  EncodedTokens(InputFile file, std::uint32_t bytes_an_id)
      : file_(std::move(file)), bytes_an_id_(bytes_an_id) {}

  std::uint64_t size() const override { return (file_.size() - sizeof(Head)) / bytes_an_id_; }

  void read(std::uint64_t offset, std::span<std::int32_t> out) const override {
    check_token_range(offset, out.size(), size());
    if (bytes_an_id_ == 4) {
      fill(offset, std::as_writable_bytes(out));
      return;
    }
    std::vector<std::uint16_t> ids(out.size());
    fill(offset, std::as_writable_bytes(std::span(ids)));
    std::ranges::copy(ids, out.begin());
  }

 private:
  void fill(std::uint64_t offset, std::span<std::byte> out) const {
    if (auto done = file_.read(sizeof(Head) + offset * bytes_an_id_, out); !done) {
      throw std::runtime_error(done.error().message);
    }
  }

  InputFile file_;
  std::uint32_t bytes_an_id_;
};

/// Files that are read as text, each opened once.
struct Texts {
  std::vector<InputFile> files;
  std::uint64_t bytes = 0;
  std::vector<UsedFile> used;
};

Result<Texts> open_texts(std::span<const fs::path> paths, bool binary) {
  Texts texts;
  for (const auto& path : paths) {
    auto file = open_text(path, binary);
    if (!file) {
      return tl::unexpected(file.error());
    }
    if (file->size() == 0) {
      return fail(ErrorCode::malformed,
                  fmt::format("{}: empty; leave it out, or let its writer finish and try again",
                              path.string()));
    }
    texts.bytes += file->size();
    texts.used.push_back({.path = path, .stamp = file->stamp()});
    texts.files.push_back(std::move(*file));
  }
  return texts;
}

/// Tells texts and their tokenizer from all others.
Result<std::string> sum_of(const Texts& texts, const Tokenizer& tokenizer) {
  Sha256 sum;
  const auto add = [&](std::string_view text) { sum.update(std::as_bytes(std::span(text))); };
  add(tokenizer.to_json());
  for (const InputFile& file : texts.files) {
    const auto content = sha256_of_bytes(file, 0, file.size());
    if (!content) {
      return content;
    }
    add(*content);
  }
  return sum.finish();
}

/// Writes ids behind a head that is filled in at the end.
class IdWriter {
 public:
  IdWriter(FileWriter& file, std::uint32_t bytes_an_id) : file_(file), bytes_an_id_(bytes_an_id) {}

  Result<void> write(std::span<const std::int32_t> ids) {
    if (bytes_an_id_ == 4) {
      return append(std::as_bytes(ids));
    }
    narrow_.assign(ids.begin(), ids.end());
    return append(std::as_bytes(std::span(narrow_)));
  }

  Head finish() {
    Head head{.bytes_an_id = bytes_an_id_};
    const std::string sum = sum_.finish();
    std::ranges::copy(sum, head.sha256.begin());
    return head;
  }

 private:
  Result<void> append(std::span<const std::byte> bytes) {
    sum_.update(bytes);
    return file_.append(bytes);
  }

  FileWriter& file_;
  std::uint32_t bytes_an_id_;
  Sha256 sum_;
  std::vector<std::uint16_t> narrow_;
};

Result<void> encode(const Texts& texts, const BytePairs& pairs, IdWriter& out) {
  BytePairEncoder encoder(pairs);
  std::vector<std::int32_t> ids;
  for (const InputFile& file : texts.files) {
    if (&file != &texts.files.front() && pairs.end_token() >= 0) {
      if (auto done = out.write(std::array{pairs.end_token()}); !done) {
        return done;
      }
    }
    Result<void> written;
    const auto done = visit_text(file, file.size(), [&](std::string_view text, bool is_whole) {
      ids.clear();
      const auto used = encoder.encode(text, is_whole, ids);
      if (written) {
        written = out.write(ids);
      }
      return used;
    });
    if (!done || !written) {
      return !done ? done : written;
    }
  }
  return {};
}

Result<void> put_head(const fs::path& path, const Head& head) {
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file.is_open() && ::pwrite(file.number(), &head, sizeof head, 0) == sizeof head
             ? sync_path(path)
             : fail(ErrorCode::io, fmt::format("{}: cannot be written", path.string()));
}

Result<void> write_encoded(const fs::path& path, const Texts& texts, const Tokenizer& tokenizer) {
  auto file = FileWriter::create(path);
  if (!file) {
    return tl::unexpected(file.error());
  }
  // The head of a file that is not finished is not one.
  const std::array<std::byte, sizeof(Head)> nothing{};
  IdWriter out(*file, bytes_an_id(tokenizer));
  return file->append(nothing)
      .and_then([&] { return encode(texts, tokenizer.byte_pairs(), out); })
      .and_then([&] { return file->finish(); })
      .and_then([&] { return put_head(path, out.finish()); });
}

/// The file of ids, if it is whole.
std::optional<InputFile> whole_file(const fs::path& path, std::uint32_t bytes_an_id) {
  auto file = InputFile::open(path);
  Head found;
  if (!file || file->size() < sizeof found ||
      !file->read(0, std::as_writable_bytes(std::span(&found, 1)))) {
    return std::nullopt;
  }
  Sha256 sum;
  const auto read =
      file->visit(sizeof found, file->size(), [&](std::uint64_t, std::string_view block) {
        sum.update(std::as_bytes(std::span(block)));
        return Result<void>();
      });
  Head expected{.bytes_an_id = bytes_an_id};
  std::ranges::copy(sum.finish(), expected.sha256.begin());
  return read && found == expected ? std::optional(std::move(*file)) : std::nullopt;
}

Result<InputFile> encode_in_temporary_file(const Texts& texts, const Tokenizer& tokenizer) {
  std::error_code error;
  auto folder = fs::temp_directory_path(error);
  auto name = ((error ? fs::path("/tmp") : folder) / "nodezero-XXXXXX").string();
  const FileDescriptor created(::mkostemp(name.data(), O_CLOEXEC));
  if (!created.is_open()) {
    return fail(ErrorCode::io, fmt::format("{}: no temporary file can be made; set TMPDIR to a "
                                           "folder that can be written to",
                                           name));
  }
  auto opened =
      write_encoded(name, texts, tokenizer).and_then([&] { return InputFile::open(name); });
  ::unlink(name.c_str());
  return opened;
}

}  // namespace

Result<Corpus> open_encoded(std::span<const fs::path> files, const Tokenizer& tokenizer,
                            const CorpusOptions& options) {
  auto texts = open_texts(files, options.binary);
  if (!texts) {
    return tl::unexpected(texts.error());
  }
  const auto size = bytes_an_id(tokenizer);
  const auto open = [&]() -> Result<InputFile> {
    if (options.encoded.empty()) {
      return encode_in_temporary_file(*texts, tokenizer);
    }
    const auto sum = sum_of(*texts, tokenizer);
    if (!sum) {
      return tl::unexpected(sum.error());
    }
    const auto path = options.encoded / ("tokens-" + *sum);
    if (auto kept = whole_file(path, size)) {
      return std::move(*kept);
    }
    return replace_file_atomically(
               path, [&](const fs::path& name) { return write_encoded(name, *texts, tokenizer); })
        .and_then([&] { return InputFile::open(path); });
  };
  auto ids = open();
  if (!ids) {
    return tl::unexpected(ids.error());
  }
  return Corpus{std::make_shared<EncodedTokens>(std::move(*ids), size), tokenizer,
                tokenizer.vocabulary(), texts->bytes, std::move(texts->used)};
}

Result<Tokenizer> train_tokenizer(std::span<const fs::path> files, bool binary, double fraction,
                                  std::int64_t vocabulary) {
  const auto texts = open_texts(files, binary);
  if (!texts) {
    return tl::unexpected(texts.error());
  }
  auto left = static_cast<std::uint64_t>(fraction * static_cast<double>(texts->bytes));
  BytePairTrainer trainer;
  for (const InputFile& file : texts->files) {
    const auto bytes = std::min(left, file.size());
    const auto done = visit_text(file, bytes, [&](std::string_view text, bool is_whole) {
      return trainer.count(text, is_whole);
    });
    if (!done) {
      return tl::unexpected(done.error());
    }
    left -= bytes;
  }
  return Tokenizer::bpe(trainer.train(vocabulary));
}

}  // namespace nodezero::model
