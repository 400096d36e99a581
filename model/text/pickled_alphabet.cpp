// SPDX-License-Identifier: BSD-3-Clause
#include "model/text/pickled_alphabet.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "model/text/utf8_text.hpp"

namespace nodezero::model {
namespace {

struct Dictionary;

/// What nanoGPT's pickles are made of. Dictionaries are shared by number, as a pickle's memo does.
struct DictionaryNumber {
  std::size_t number;
};
struct Mark {};
using Value = std::variant<std::int64_t, std::string, DictionaryNumber, Mark>;

struct Dictionary {
  std::vector<std::pair<Value, Value>> entries;
};

tl::unexpected<Error> not_understood() {
  return fail(ErrorCode::malformed, "is not a meta.pkl as nanoGPT writes it");
}

/// Reads the opcodes that nanoGPT's dictionaries need, and refuses all others.
class Unpickler {
 public:
  explicit Unpickler(std::string_view bytes) : bytes_(bytes) {}

  /// Whether the whole text was understood.
  bool run() {
    while (!bytes_.empty()) {
      const char code = bytes_.front();
      bytes_.remove_prefix(1);
      if (code == '.') {  // STOP
        return bytes_.empty() && stack_.size() == 1 &&
               std::holds_alternative<DictionaryNumber>(stack_.back());
      }
      if (!step(code)) {
        return false;
      }
    }
    return false;
  }

  const Dictionary& result() const { return dictionary(stack_.back()); }
  const Dictionary& dictionary(const Value& value) const {
    return dictionaries_[std::get<DictionaryNumber>(value).number];
  }

 private:
  bool step(char code) {
    switch (code) {
      case '\x80':  // PROTO
        return number(1).has_value();
      case '\x95':  // FRAME
        return number(8).has_value();
      case '}':  // EMPTY_DICT
        dictionaries_.emplace_back();
        return push(DictionaryNumber{dictionaries_.size() - 1});
      case '(':  // MARK
        return push(Mark{});
      case 'K':  // BININT1
        return push_number(1);
      case 'M':  // BININT2
        return push_number(2);
      case 'J':  // BININT
        return push_number(4);
      case '\x8c':  // SHORT_BINUNICODE
        return push_text(1);
      case 'X':  // BINUNICODE
        return push_text(4);
      case '\x94':  // MEMOIZE
        return !stack_.empty() && remember(memo_.size());
      case 'q':  // BINPUT
        return remember(number(1));
      case 'r':  // LONG_BINPUT
        return remember(number(4));
      case 'h':  // BINGET
        return recall(number(1));
      case 'j':  // LONG_BINGET
        return recall(number(4));
      case 's':  // SETITEM
        return stack_.size() >= 3 && set_items(stack_.size() - 2);
      case 'u':  // SETITEMS
        return set_items_from_mark();
      default:
        return false;
    }
  }

  /// An unsigned number of `size` bytes, low byte first.
  std::optional<std::uint64_t> number(std::size_t size) {
    if (bytes_.size() < size) {
      return std::nullopt;
    }
    std::uint64_t value = 0;
    for (std::size_t i = size; i-- > 0;) {
      value = value << 8 | static_cast<unsigned char>(bytes_[i]);
    }
    bytes_.remove_prefix(size);
    return value;
  }

  bool push(Value value) {
    stack_.push_back(std::move(value));
    return true;
  }
  bool push_number(std::size_t size) {
    const auto value = number(size);
    return value && push(static_cast<std::int64_t>(*value));
  }
  bool push_text(std::size_t size) {
    const auto length = number(size);
    if (!length || bytes_.size() < *length) {
      return false;
    }
    push(std::string(bytes_.substr(0, *length)));
    bytes_.remove_prefix(*length);
    return true;
  }
  bool remember(std::optional<std::uint64_t> place) {
    return place && !stack_.empty() && memo_.insert_or_assign(*place, stack_.back()).second;
  }
  bool recall(std::optional<std::uint64_t> place) {
    const auto found = place ? memo_.find(*place) : memo_.end();
    return found != memo_.end() && push(found->second);
  }
  bool set_items_from_mark() {
    std::size_t mark = stack_.size();
    while (mark > 0 && !std::holds_alternative<Mark>(stack_[mark - 1])) {
      --mark;
    }
    if (mark < 2) {
      return false;
    }
    stack_.erase(stack_.begin() + static_cast<std::ptrdiff_t>(mark) - 1);
    return set_items(mark - 1);
  }
  /// Puts the pairs from stack_[begin] on into the dictionary below them.
  bool set_items(std::size_t begin) {
    if ((stack_.size() - begin) % 2 != 0 ||
        !std::holds_alternative<DictionaryNumber>(stack_[begin - 1])) {
      return false;
    }
    auto& entries = dictionaries_[std::get<DictionaryNumber>(stack_[begin - 1]).number].entries;
    for (std::size_t i = begin; i < stack_.size(); i += 2) {
      entries.emplace_back(std::move(stack_[i]), std::move(stack_[i + 1]));
    }
    stack_.resize(begin, Mark{});
    return true;
  }

  std::string_view bytes_;
  std::vector<Value> stack_;
  std::vector<Dictionary> dictionaries_;
  std::map<std::uint64_t, Value> memo_;
};

/// One pair of itos as an id and its code point.
std::optional<std::pair<std::size_t, char32_t>> id_and_character(const Value& key,
                                                                 const Value& value) {
  const auto* id = std::get_if<std::int64_t>(&key);
  const auto* text = std::get_if<std::string>(&value);
  if (id == nullptr || text == nullptr || text->empty()) {
    return std::nullopt;
  }
  const auto character = decode_utf8(*text);
  if (character.bytes == 0 || character.bytes != text->size()) {
    return std::nullopt;
  }
  return std::pair(static_cast<std::size_t>(*id), character.code_point);
}

}  // namespace

Result<std::vector<char32_t>> read_pickled_alphabet(std::string_view pickle) {
  Unpickler unpickler(pickle);
  if (!unpickler.run()) {
    return not_understood();
  }
  for (const auto& [name, table] : unpickler.result().entries) {
    const auto* text = std::get_if<std::string>(&name);
    if (text == nullptr || *text != "itos" || !std::holds_alternative<DictionaryNumber>(table)) {
      continue;
    }
    const auto& pairs = unpickler.dictionary(table).entries;
    std::map<std::size_t, char32_t> characters;
    for (const auto& [key, value] : pairs) {
      const auto found = id_and_character(key, value);
      if (!found || found->first >= pairs.size() || !characters.insert(*found).second) {
        return not_understood();
      }
    }
    std::vector<char32_t> alphabet;
    for (const auto& [id, character] : characters) {
      alphabet.push_back(character);
    }
    return alphabet;
  }
  return not_understood();
}

}  // namespace nodezero::model
