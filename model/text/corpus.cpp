// SPDX-License-Identifier: BSD-3-Clause
#include "model/text/corpus.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "model/text/character_corpus.hpp"
#include "model/text/encoded_corpus.hpp"
#include "model/text/file_kinds.hpp"
#include "model/text/joined_files.hpp"
#include "model/text/token_files.hpp"

namespace nodezero::model {
namespace {

/// One token for each byte.
class ByteTokens : public TokenSource {
 public:
  explicit ByteTokens(JoinedFiles files) : files_(std::move(files)) {}
  std::uint64_t size() const override { return files_.size(); }
  void read(std::uint64_t offset, std::span<std::int32_t> out) const override {
    check_token_range(offset, out.size(), size());
    std::vector<char> bytes(out.size());
    files_.read(offset, bytes);
    std::ranges::transform(bytes, out.begin(),
                           [](char byte) { return static_cast<unsigned char>(byte); });
  }

 private:
  JoinedFiles files_;
};

class CharacterTokens : public TokenSource {
 public:
  explicit CharacterTokens(CharacterIds ids) : ids_(std::move(ids)) {}
  std::uint64_t size() const override { return ids_.count; }
  void read(std::uint64_t offset, std::span<std::int32_t> out) const override {
    check_token_range(offset, out.size(), size());
    std::ranges::copy_n(ids_.ids.get() + offset, static_cast<std::ptrdiff_t>(out.size()),
                        out.begin());
  }

 private:
  CharacterIds ids_;
};

/// Files of text, or of anything at all.
class TextInspector : public JoinedFiles::Inspector {
 public:
  explicit TextInspector(bool binary) : binary_(binary) {}
  Result<InputFile> open(const std::filesystem::path& path) override {
    return open_text(path, binary_);
  }

 private:
  bool binary_;
};

Result<Corpus> open_bytes(std::span<const std::filesystem::path> files, bool binary) {
  TextInspector inspector(binary);
  auto joined = JoinedFiles::open(files, inspector);
  if (!joined) {
    return tl::unexpected(joined.error());
  }
  const std::uint64_t bytes = joined->size();
  auto used = joined->used();
  const auto tokenizer = Tokenizer::bytes();
  return Corpus{std::make_shared<ByteTokens>(std::move(*joined)), tokenizer, tokenizer.vocabulary(),
                bytes, std::move(used)};
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
  return Corpus{std::make_shared<CharacterTokens>(std::move(*ids)), tokenizer,
                tokenizer.vocabulary(), bytes, std::move(used)};
}

}  // namespace

Result<Corpus> open_corpus(std::span<const std::filesystem::path> files,
                           const CorpusOptions& options) {
  if (files.empty()) {
    return fail(ErrorCode::invalid_argument, "no data to read; name files or folders");
  }
  if (options.vocabulary < 0) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("'vocabulary' must be positive, not {}", options.vocabulary));
  }
  const auto is_other_kind = [&](const std::filesystem::path& path) {
    return is_token_file(path) != is_token_file(files.front());
  };
  if (const auto other = std::ranges::find_if(files, is_other_kind); other != files.end()) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} and {}: token files (.bin or .npy) and text cannot be mixed; name "
                            "one kind",
                            files.front().string(), other->string()));
  }
  const Tokenizer* const given = options.vocabulary_of;
  if (is_token_file(files.front())) {
    auto corpus = open_token_files(
        files, options.token_type,
        options.vocabulary == 0 && given != nullptr ? given->vocabulary() : options.vocabulary);
    if (corpus && given != nullptr) {
      corpus->tokenizer = *given;
    }
    return corpus;
  }
  switch (given != nullptr ? given->kind() : options.kind) {
    case Tokenizer::Kind::bytes:
      return open_bytes(files, options.binary);
    case Tokenizer::Kind::chars:
      return open_characters(files, given);
    case Tokenizer::Kind::bpe:
      if (given != nullptr) {
        return open_encoded(files, *given, options);
      }
      return fail(ErrorCode::invalid_argument,
                  "a bpe tokenizer must be trained or read before text becomes tokens");
    case Tokenizer::Kind::none:
      break;
  }
  return fail(
      ErrorCode::invalid_argument,
      fmt::format(
          "{}: text, but this model takes token ids; give token files (.bin or .npy), or train a "
          "new model with another tokenizer",
          files.front().string()));
}

}  // namespace nodezero::model
