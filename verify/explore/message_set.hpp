// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace nodezero::verify::explore {

/// A set of the messages of a run, by number. The first 128 need no memory of their own.
class MessageSet {
 public:
  void add(std::size_t message) {
    if (message < inline_words * 64) {
      words_[message / 64] |= bit(message);
      return;
    }
    const std::size_t word = message / 64 - inline_words;
    if (more_.size() <= word) {
      more_.resize(word + 1);
    }
    more_[word] |= bit(message);
  }
  void add(const MessageSet& other) {
    for (std::size_t i = 0; i < inline_words; ++i) {
      words_[i] |= other.words_[i];
    }
    if (more_.size() < other.more_.size()) {
      more_.resize(other.more_.size());
    }
    for (std::size_t i = 0; i < other.more_.size(); ++i) {
      more_[i] |= other.more_[i];
    }
  }
  bool has(std::size_t message) const {
    if (message < inline_words * 64) {
      return (words_[message / 64] & bit(message)) != 0;
    }
    const std::size_t word = message / 64 - inline_words;
    return word < more_.size() && (more_[word] & bit(message)) != 0;
  }
  void clear() {
    words_[0] = words_[1] = 0;
    more_.clear();
  }

 private:
  static constexpr std::size_t inline_words = 2;
  static constexpr std::uint64_t bit(std::size_t message) {
    return std::uint64_t{1} << message % 64;
  }
  std::uint64_t words_[inline_words] = {};
  std::vector<std::uint64_t> more_;
};

}  // namespace nodezero::verify::explore
