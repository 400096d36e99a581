// SPDX-License-Identifier: BSD-3-Clause
#include "model/text/tokenizer_files.hpp"

#include <system_error>

#include <fmt/format.h>

#include "model/bpe/byte_pairs.hpp"
#include "model/bpe/vocabulary_files.hpp"
#include "model/files/atomic_file.hpp"

namespace nodezero::model {
namespace {

namespace fs = std::filesystem;

/// A vocabulary and its merges, under one of the pairs of names that they have.
struct VocabularyNames {
  const char* vocabulary;
  const char* merges;
};
constexpr VocabularyNames known_names[] = {{"vocab.json", "merges.txt"},
                                           {"encoder.json", "vocab.bpe"}};

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

Result<Tokenizer> named(const fs::path& path, Result<BytePairs> pairs) {
  if (!pairs) {
    return fail(pairs.error().code, fmt::format("{}: {}", path.string(), pairs.error().message));
  }
  return Tokenizer::bpe(std::move(*pairs));
}

Result<Tokenizer> read_pair(const fs::path& folder, const VocabularyNames& names) {
  const auto vocabulary = read_file(folder / names.vocabulary);
  const auto merges = read_file(folder / names.merges);
  if (!vocabulary || !merges) {
    return tl::unexpected(!vocabulary ? vocabulary.error() : merges.error());
  }
  const auto added = read_file(folder / "added_tokens.json").value_or(std::string());
  return named(folder / names.vocabulary, byte_pairs_from_files(*vocabulary, *merges, added));
}

Result<Tokenizer> read_json_file(const fs::path& path) {
  const auto text = read_file(path);
  if (!text) {
    return tl::unexpected(text.error());
  }
  return Tokenizer::from_json(*text).map_error([&](const Error& error) {
    // The message begins with the usual name of the file.
    constexpr std::string_view name = "tokenizer.json ";
    return Error{error.code,
                 fmt::format("{}: {}", path.string(), error.message.substr(name.size()))};
  });
}

}  // namespace

Result<std::optional<Tokenizer>> tokenizer_in(const fs::path& folder) {
  const auto found = [](Tokenizer&& tokenizer) { return std::optional(std::move(tokenizer)); };
  if (is_file(folder / "tokenizer.json")) {
    return read_json_file(folder / "tokenizer.json").map(found);
  }
  for (const auto& names : known_names) {
    if (is_file(folder / names.vocabulary) && is_file(folder / names.merges)) {
      return read_pair(folder, names).map(found);
    }
  }
  return std::optional<Tokenizer>();
}

Result<Tokenizer> read_tokenizer(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    auto found = tokenizer_in(path);
    if (!found) {
      return tl::unexpected(found.error());
    }
    if (!*found) {
      return fail(ErrorCode::not_found,
                  fmt::format("{}: has no tokenizer.json, and no vocab.json with merges.txt; name "
                              "a folder or a file of a tokenizer",
                              path.string()));
    }
    return std::move(**found);
  }
  if (path.extension() == ".tiktoken") {
    const auto text = read_file(path);
    return text ? named(path, byte_pairs_from_ranks(*text)) : tl::unexpected(text.error());
  }
  for (const auto& names : known_names) {
    if (path.filename() == names.vocabulary || path.filename() == names.merges) {
      return read_pair(path.parent_path(), names);
    }
  }
  return read_json_file(path);
}

}  // namespace nodezero::model
