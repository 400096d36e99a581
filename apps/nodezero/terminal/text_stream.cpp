// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/terminal/text_stream.hpp"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "apps/nodezero/common.hpp"
#include "formats/printable_text.hpp"

namespace nodezero::apps {

void TextStream::write(std::string_view piece) {
  waiting_ += piece;
  const auto ready = waiting_.size() - formats::unfinished_character(waiting_);
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
