// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "model/files/input_file.hpp"

namespace nodezero::model {

/// Gives the first `bytes` bytes of a file to `take` piece by piece, in memory for a block and
/// whatever `take` has left of the one before. take(text, is_whole) returns how many of the bytes
/// it has used; at the end of the file (`is_whole`) it uses all.
template <class Take>
Result<void> visit_text(const InputFile& file, std::uint64_t bytes, Take&& take) {
  std::string text;
  std::size_t enough = 0;  // to look again: one endless piece must not be looked at for each block
  return file.visit(0, bytes, [&](std::uint64_t offset, std::string_view block) -> Result<void> {
    text.append(block);
    const bool is_whole = offset + block.size() == bytes;
    if (text.size() < enough && !is_whole) {
      return {};
    }
    text.erase(0, take(std::string_view(text), is_whole));
    enough = 2 * text.size();
    return {};
  });
}

}  // namespace nodezero::model
