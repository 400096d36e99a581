// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "model/text/data_watch.hpp"
#include "model/text/token_source.hpp"
#include "model/text/tokenizer.hpp"
#include "nodezero/error.hpp"

namespace nodezero::model {

/// Files to read, and folders that were passed over because somebody asked for it.
struct FileList {
  std::vector<std::filesystem::path> files;
  std::vector<std::filesystem::path> left_out;
};

/// What `--data` names: files in path order (byte by byte of the canonical path), each real
/// file once (links are followed and duplicates dropped, hard links too; hidden files, `.lock`
/// files and empty ones inside folders are passed over). `leaves_out` is asked for the canonical
/// path of each folder that is met; null leaves out none.
/// Fails with one line if a path is missing, unreadable, an empty file or a folder
/// without files.
Result<FileList> list_files(
    std::span<const std::filesystem::path> paths,
    const std::function<bool(const std::filesystem::path& folder)>& leaves_out = nullptr);

struct Corpus {
  std::shared_ptr<const TokenSource> tokens;
  Tokenizer tokenizer;
  std::int64_t vocabulary = 0;  ///< all ids are below it: the tokenizer's, or that of token files
  std::uint64_t bytes = 0;      ///< size of the files, for bits a byte
  std::vector<UsedFile> used;
};

/// How .bin files without a header store their ids.
enum class TokenType {
  automatic,  ///< in 16 bits, unless that looks wrong
  uint16,
  uint32,
};

/// What a corpus is made of beside its files.
struct CorpusOptions {
  Tokenizer::Kind kind = Tokenizer::Kind::bytes;  ///< for text
  const Tokenizer* vocabulary_of = nullptr;       ///< that tokenizer, whatever `kind` says
  std::int64_t vocabulary = 0;  ///< of token files; 0: that of `vocabulary_of`, or what they hold
  TokenType token_type = TokenType::automatic;
  bool binary = false;  ///< whether what is not text is read as bytes all the same
  /// Where the ids that a bpe tokenizer makes of text are kept for the next time; empty: nowhere.
  std::filesystem::path encoded = {};
};

/// Opens text files as one sequence: bytes stay in their files; chars are decoded once (2 bytes a
/// token), and their alphabet is that of the files unless a tokenizer is given, whose lack of a
/// character is then an error. Text that gzip or zstd has packed is unpacked. Token files
/// (token_files.hpp) stay in their files, too, and must not be mixed with text. If a file changes
/// while the corpus lives, so do its tokens: watch it (DataWatch).
Result<Corpus> open_corpus(std::span<const std::filesystem::path> files,
                           const CorpusOptions& options);

}  // namespace nodezero::model
