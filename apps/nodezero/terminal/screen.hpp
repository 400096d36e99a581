// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

namespace nodezero::apps {

/// Standard output as a place for lines that stay and one line that is rewritten. Where
/// nobody watches (a pipe, a file) there is no line to rewrite. Write errors, such as a
/// reader that has gone, are passed over. Not safe for use by several threads at a time.
class Screen {
 public:
  Screen();

  bool is_terminal() const { return terminal_; }
  /// Prints text that stays; a newline is added if it has none at its end.
  void print(const std::string& text);
  /// Replaces the line at the bottom. Where it is wider than the terminal, double spaces
  /// become single ones, and then it is cut. Terminals only.
  void rewrite(const std::string& line);
  /// Removes the line at the bottom.
  void clear();

 private:
  bool terminal_;
  bool line_is_shown_ = false;
};

}  // namespace nodezero::apps
