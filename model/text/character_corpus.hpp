// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "model/text/data_watch.hpp"
#include "model/text/tokenizer.hpp"
#include "nodezero/error.hpp"

namespace nodezero::model {

/// Text as ids of characters.
struct CharacterIds {
  std::unique_ptr<std::uint16_t[]> ids;
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;         ///< size of the files
  std::vector<char32_t> alphabet;  ///< in the order of the ids
  std::vector<UsedFile> used;
};

/// Decodes UTF-8 files, one behind the other. Without `vocabulary_of` the ids follow the code
/// points' order; with it they are those of that chars tokenizer. Fails with malformed, naming
/// file and byte, where a file is not UTF-8, there are more than 65,535 characters or the tokenizer
/// lacks one.
Result<CharacterIds> read_characters(std::span<const std::filesystem::path> files,
                                     const Tokenizer* vocabulary_of);

}  // namespace nodezero::model
