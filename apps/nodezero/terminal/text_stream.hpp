// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace nodezero::apps {

/// Writes text as it comes, piece by piece, each visible at once. A file or pipe gets the
/// bytes as they are. A terminal gets what it can show: a character that is not whole yet
/// waits for its other bytes.
class TextStream {
 public:
  TextStream(std::FILE* file, bool is_terminal) : file_(file), is_terminal_(is_terminal) {}

  /// @throws CommandError if the bytes cannot be written
  void write(std::string_view piece);

  /// Writes what still waits, and ends the line on a terminal.
  /// @throws CommandError if the bytes cannot be written
  void finish();

 private:
  void put(std::string_view bytes);

  std::FILE* file_;
  bool is_terminal_;
  std::string waiting_;
};

/// Bytes at the end of `text` that begin a UTF-8 character without ending it, at most 3.
std::size_t unfinished_character(std::string_view text);

}  // namespace nodezero::apps
