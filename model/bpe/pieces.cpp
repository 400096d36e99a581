// SPDX-License-Identifier: BSD-3-Clause
#include "model/bpe/pieces.hpp"

#include <algorithm>
#include <array>

#include "model/bpe/unicode_classes.hpp"

namespace nodezero::model {
namespace {

struct Character {
  CharacterClass kind = CharacterClass::other;
  std::size_t bytes = 1;
};

bool continues(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

/// A character of two to four bytes; what is not UTF-8 is a byte.
Character long_character(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < bytes ||
      !std::all_of(text.begin() + 1, text.begin() + static_cast<std::ptrdiff_t>(bytes),
                   continues)) {
    return {};
  }
  char32_t code_point = first & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    code_point = code_point << 6 | (static_cast<unsigned char>(text[i]) & 0x3FU);
  }
  const bool is_overlong =
      (bytes == 3 && code_point < 0x800) || (bytes == 4 && code_point < 0x10000);
  const bool is_surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (is_overlong || is_surrogate || code_point > 0x10FFFF) {
    return {};
  }
  return {UnicodeClasses::get()[code_point], bytes};
}

constexpr std::array<CharacterClass, 128> ascii_classes() {
  std::array<CharacterClass, 128> classes{};
  for (char32_t c = 0; c < classes.size(); ++c) {
    const char32_t lower = c | 0x20;
    classes[c] = lower >= U'a' && lower <= U'z'            ? CharacterClass::letter
                 : c >= U'0' && c <= U'9'                  ? CharacterClass::number
                 : c == U' ' || (c >= U'\t' && c <= U'\r') ? CharacterClass::white_space
                                                           : CharacterClass::other;
  }
  return classes;
}

Character character_at(std::string_view text, std::size_t at) {
  static constexpr auto ascii = ascii_classes();
  const auto byte = static_cast<unsigned char>(text[at]);
  return byte < ascii.size() ? Character{ascii[byte], 1} : long_character(text.substr(at));
}

/// Where the characters of a class end that begin at `at`, and where the last of them begins.
struct Run {
  std::size_t end;
  std::size_t last;
};
Run run_of(CharacterClass kind, std::string_view text, std::size_t at) {
  Run run{at, at};
  while (run.end < text.size()) {
    const Character next = character_at(text, run.end);
    if (next.kind != kind) {
      break;
    }
    run = {run.end + next.bytes, run.end};
  }
  return run;
}

/// Bytes of 's, 't, 're, 've, 'm, 'll or 'd at the front, or 0.
std::size_t contraction(std::string_view text) {
  if (text.size() < 2) {
    return 0;
  }
  switch (text[1]) {
    case 's':
    case 't':
    case 'm':
    case 'd':
      return 2;
    case 'r':
    case 'v':
      return text.size() > 2 && text[2] == 'e' ? 3 : 0;
    case 'l':
      return text.size() > 2 && text[2] == 'l' ? 3 : 0;
    default:
      return 0;
  }
}

/// How many bytes at the end may be the start of a character that goes on behind it.
std::size_t unfinished(std::string_view text) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if (byte >= 0xC0) {
      const std::size_t bytes = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2;
      return bytes > back ? back : 0;
    }
    if (byte < 0x80) {
      return 0;
    }
  }
  return 0;
}

/// The longest that decides what a piece is, beside its end: "'re".
constexpr std::size_t looks_ahead = 3;

}  // namespace

PieceScanner::PieceScanner(std::string_view text, bool is_whole)
    : text_(text),
      known_(text.substr(0, text.size() - (is_whole ? 0 : unfinished(text)))),
      is_whole_(is_whole) {}

std::string_view PieceScanner::next() {
  const std::size_t left = known_.size() - at_;
  if (left == 0 || (!is_whole_ && left <= looks_ahead)) {
    return {};
  }
  const std::size_t end = end_of_piece();
  if (!is_whole_ && end == known_.size()) {
    return {};
  }
  const auto piece = known_.substr(at_, end - at_);
  at_ = end;
  return piece;
}

std::size_t PieceScanner::end_of_piece() const {
  if (known_[at_] == '\'') {
    if (const std::size_t bytes = contraction(known_.substr(at_)); bytes > 0) {
      return at_ + bytes;
    }
  }
  // One space goes with what follows it.
  const std::size_t start = at_ + (known_[at_] == ' ' && at_ + 1 < known_.size() ? 1 : 0);
  const auto kind = character_at(known_, start).kind;
  if (kind != CharacterClass::white_space) {
    return run_of(kind, known_, start).end;
  }
  // White space leaves its last character to what follows, unless that is all it has.
  const Run run = run_of(CharacterClass::white_space, known_, at_);
  return run.end == known_.size() || run.last == at_ ? run.end : run.last;
}

}  // namespace nodezero::model
