// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <span>

#include "model/text/corpus.hpp"
#include "nodezero/error.hpp"

namespace nodezero::model {

/// Opens text files as ids of a bpe tokenizer, with the end token between two files where it has
/// one. The ids are written to a file and read from there: FOLDER/tokens-SHA256, named by what they
/// are made of, where they are found the next time, or without a folder a nameless file among the
/// system's temporary ones. Fails as open_text does, and with io.
Result<Corpus> open_encoded(std::span<const std::filesystem::path> files,
                            const Tokenizer& tokenizer, const CorpusOptions& options);

/// The least size of a bpe tokenizer that is trained: <|endoftext|> and the bytes.
inline constexpr std::int64_t least_bpe_vocabulary = 257;

/// Learns a bpe tokenizer of at most `vocabulary` tokens from the first `fraction` of the bytes of
/// text files.
Result<Tokenizer> train_tokenizer(std::span<const std::filesystem::path> files, bool binary,
                                  double fraction, std::int64_t vocabulary);

}  // namespace nodezero::model
