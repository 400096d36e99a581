// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

namespace nodezero::apps {

/// Standard output with lines that stay and, on a terminal, one line at the bottom that is
/// rewritten. Control characters in them are escaped. Write errors, such as a closed pipe, are
/// ignored. Not thread-safe.
class Screen {
 public:
  Screen();

  bool is_terminal() const { return terminal_; }
  /// Prints text that stays, adding a newline at its end if there is none.
  void print(const std::string& text);
  /// Replaces the line at the bottom. To fit the terminal's width, double spaces become single
  /// ones, and then the line is cut. Terminals only.
  void rewrite(const std::string& line);
  /// Removes the line at the bottom.
  void clear();

 private:
  bool terminal_;
  bool line_is_shown_ = false;
};

}  // namespace nodezero::apps
