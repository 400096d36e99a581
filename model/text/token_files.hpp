// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "model/text/corpus.hpp"
#include "nodezero/error.hpp"

namespace nodezero::model {

/// Whether a file holds ids in place of text: its name ends in .bin or .npy, in letters of either
/// case.
bool is_token_file(const std::filesystem::path& path);

/// Opens files of token ids as one sequence; all must store them in the same way:
/// - llm.c's .bin: a header of 256 numbers of 32 bits, magic 20240520 and version 1 for ids of 16
/// bits, or
///   20240801 and 7 for ids of 32;
/// - .npy of NumPy: an array of integers in C's order;
/// - any other .bin: unsigned numbers, low byte first, of 16 bits unless `type` says 32, as nanoGPT
/// writes them. A `vocabulary` of 0 is not known: it is then 1 + the largest id. Fails with
/// malformed, naming file and place, where an id is outside the vocabulary, a file is cut short, or
/// 16-bit ids look like halves of 32-bit ones.
Result<Corpus> open_token_files(std::span<const std::filesystem::path> files, TokenType type,
                                std::int64_t vocabulary);

}  // namespace nodezero::model
