// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace nodezero::apps {

/// Writes text piece by piece, each visible at once, but a character not until all its bytes have
/// come. A file or pipe gets the bytes unchanged, a terminal gets printable text.
class TextStream {
 public:
  TextStream(std::FILE* file, bool is_terminal) : file_(file), is_terminal_(is_terminal) {}

  /// @throws CommandError if the bytes cannot be written
  void write(std::string_view piece);

  /// Writes what is held back, and ends the line on a terminal.
  /// @throws CommandError if the bytes cannot be written
  void finish();

 private:
  void put(std::string_view bytes);

  std::FILE* file_;
  bool is_terminal_;
  std::string waiting_;
};

}  // namespace nodezero::apps
