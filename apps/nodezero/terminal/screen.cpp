// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/terminal/screen.hpp"

#include <cstdio>
#include <sys/ioctl.h>
#include <unistd.h>

#include "formats/printable_text.hpp"

namespace nodezero::apps {

namespace {

constexpr const char* erase_line = "\r\x1b[K";

void put(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

std::string fitted(std::string line, std::size_t width) {
  for (auto at = line.find("  "); line.size() > width && at != std::string::npos;
       at = line.find("  ", at)) {
    line.erase(at, 1);
  }
  return line.substr(0, width);
}

std::size_t terminal_width() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
    return 80;
  }
  return size.ws_col;
}

}  // namespace

Screen::Screen() : terminal_(isatty(STDOUT_FILENO) != 0) {}

void Screen::print(const std::string& text) {
  clear();
  const auto shown = formats::escaped(text);
  put(shown.ends_with('\n') ? shown : shown + '\n');
}

void Screen::rewrite(const std::string& line) {
  // A full last column would wrap on some terminals.
  put(erase_line + fitted(formats::escaped(line), terminal_width() - 1));
  line_is_shown_ = true;
}

void Screen::clear() {
  if (line_is_shown_) {
    put(erase_line);
    line_is_shown_ = false;
  }
}

}  // namespace nodezero::apps
