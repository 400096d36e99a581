// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/terminal/text_stream.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "apps/nodezero/common.hpp"
#include "formats/printable_text.hpp"

namespace nodezero::apps {

std::size_t unfinished_character(std::string_view text) {
  for (std::size_t length = 1; length <= std::min<std::size_t>(3, text.size()); ++length) {
    const auto byte = static_cast<unsigned char>(text[text.size() - length]);
    if ((byte & 0xC0U) == 0x80U) {
      continue;
    }
    const std::size_t whole = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    return whole > length ? length : 0;
  }
  return 0;
}

void TextStream::write(std::string_view piece) {
  waiting_ += piece;
  const auto ready = waiting_.size() - unfinished_character(waiting_);
  const auto text = std::string_view(waiting_).substr(0, ready);
  put(is_terminal_ ? formats::printable(text) : std::string(text));
  waiting_.erase(0, ready);
}

void TextStream::finish() {
  put(is_terminal_ ? formats::printable(waiting_) + "\n" : waiting_);
  waiting_.clear();
}

void TextStream::put(std::string_view bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size() ||
      std::fflush(file_) != 0) {
    throw CommandError(exit_failure,
                       fmt::format("the text cannot be written ({}); check where the output goes",
                                   std::strerror(errno)));
  }
}

}  // namespace nodezero::apps
