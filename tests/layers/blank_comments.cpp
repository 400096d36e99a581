// SPDX-License-Identifier: BSD-3-Clause
#include "tests/layers/blank_comments.hpp"

#include <algorithm>
#include <cctype>

namespace nodezero::layers {

namespace {

class Blanker {
 public:
  explicit Blanker(std::string_view source) : source_(source) {
    out_.reserve(source.size());
    for (const char c : source) {
      literals_ += c == '\n' ? '\n' : ' ';
    }
  }

  void run() {
    while (!source_.empty()) {
      if (source_.starts_with("//")) {
        blank(std::min(source_.find('\n'), source_.size()));
      } else if (source_.starts_with("/*")) {
        blank(end_of("*/", 2));
      } else if (source_.starts_with("R\"") && !follows_word()) {
        const auto open = source_.find('(');
        const std::string close = ")" + std::string(source_.substr(2, open - 2)) + "\"";
        blank_literal(end_of(close, open));
      } else if (source_[0] == '"' && !on_include_line()) {
        blank_literal();
      } else if (source_[0] == '\'' && !follows_word()) {  // else a digit separator
        blank_literal();
      } else {
        out_ += source_[0];
        source_.remove_prefix(1);
      }
    }
  }

  std::string out() && { return std::move(out_); }
  std::string literals() && { return std::move(literals_); }

 private:
  /// Length up to and with `close`, looked for from `start`.
  std::size_t end_of(std::string_view close, std::size_t start) const {
    const auto found = source_.find(close, start);
    return found == std::string_view::npos ? source_.size() : found + close.size();
  }

  void blank(std::size_t length) {
    for (char c : source_.substr(0, length)) {
      out_ += c == '\n' ? '\n' : ' ';
    }
    source_.remove_prefix(std::min(length, source_.size()));
  }

  void blank_literal() {
    std::size_t length = 1;
    while (length < source_.size() && source_[length] != source_[0] && source_[length] != '\n') {
      length += source_[length] == '\\' ? 2 : 1;
    }
    blank_literal(std::min(length + 1, source_.size()));
  }

  void blank_literal(std::size_t length) {
    literals_.replace(out_.size(), length, source_.substr(0, length));
    blank(length);
  }

  bool follows_word() const {
    return !out_.empty() &&
           (std::isalnum(static_cast<unsigned char>(out_.back())) || out_.back() == '_');
  }

  bool on_include_line() const {
    const std::string_view line = std::string_view(out_).substr(out_.rfind('\n') + 1);
    return line.find('#') != std::string_view::npos &&
           line.find("include") != std::string_view::npos;
  }

  std::string_view source_;
  std::string out_;
  std::string literals_;
};

}  // namespace

std::string blank_comments_and_strings(std::string_view source) {
  Blanker blanker(source);
  blanker.run();
  return std::move(blanker).out();
}

std::string blank_all_but_strings(std::string_view source) {
  Blanker blanker(source);
  blanker.run();
  return std::move(blanker).literals();
}

}  // namespace nodezero::layers
