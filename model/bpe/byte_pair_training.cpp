// SPDX-License-Identifier: BSD-3-Clause
#include "model/bpe/byte_pair_training.hpp"

#include <algorithm>
#include <array>
#include <queue>
#include <vector>

#include "model/bpe/byte_symbols.hpp"
#include "model/bpe/pieces.hpp"

namespace nodezero::model {
namespace {

using Pair = std::pair<std::int32_t, std::int32_t>;

struct PairHash {
  std::size_t operator()(const Pair& pair) const {
    const auto key = static_cast<std::uint64_t>(static_cast<std::uint32_t>(pair.first)) << 32 |
                     static_cast<std::uint32_t>(pair.second);
    return (key * 0x9E3779B97F4A7C15U) >> 17;
  }
};

/// A distinct piece as tokens.
struct Word {
  std::vector<std::int32_t> tokens;
  std::int64_t count = 0;
};

/// Where a pair may occur, and how often it does.
struct Occurrences {
  std::int64_t count = 0;
  std::vector<std::uint32_t> words;  ///< may hold one more than once, or one that has lost it
};

struct Candidate {
  std::int64_t count;
  Pair pair;
  /// The most frequent last, as heaps want it, and of those the smallest ids.
  bool operator<(const Candidate& other) const {
    return count != other.count ? count < other.count : pair > other.pair;
  }
};

class Training {
 public:
  explicit Training(std::vector<Word> words) : words_(std::move(words)) {
    tokens_.push_back({.bytes = std::string(end_of_text), .role = Token::Role::special});
    std::array<int, 256> bytes{};
    for (int i = 0; i < 256; ++i) {
      bytes[static_cast<std::size_t>(i)] = i;
    }
    std::ranges::sort(bytes, {},
                      [](int byte) { return byte_symbols()[static_cast<std::size_t>(byte)]; });
    for (const int byte : bytes) {
      byte_tokens_[static_cast<std::size_t>(byte)] = static_cast<std::int32_t>(tokens_.size());
      add_token(std::string(1, static_cast<char>(byte)));
    }
    for (Word& word : words_) {
      for (auto& token : word.tokens) {
        token = byte_tokens_[static_cast<std::size_t>(token)];
      }
    }
    count_pairs();
  }

  void run(std::int64_t vocabulary) {
    while (static_cast<std::int64_t>(tokens_.size()) < vocabulary && !candidates_.empty()) {
      const Candidate best = candidates_.top();
      candidates_.pop();
      const auto count = pairs_.at(best.pair).count;
      if (count != best.count) {
        // Its count has fallen since; it has its turn later, if any.
        if (count > 0 && count < best.count) {
          candidates_.push({count, best.pair});
        }
        continue;
      }
      merge(best.pair);
    }
  }

  Result<BytePairs> finish() && {
    return BytePairs::create(std::move(tokens_), std::move(merges_), false);
  }

 private:
  /// The id of a token, which may exist already: "a b" + "c" and "a" + "b c" are one.
  std::int32_t add_token(std::string bytes) {
    const auto [place, is_new] = ids_.try_emplace(bytes, static_cast<std::int32_t>(tokens_.size()));
    if (is_new) {
      tokens_.push_back({.bytes = std::move(bytes)});
    }
    return place->second;
  }

  void count_pairs() {
    for (std::uint32_t i = 0; i < words_.size(); ++i) {
      const auto& tokens = words_[i].tokens;
      for (std::size_t at = 0; at + 1 < tokens.size(); ++at) {
        change({tokens[at], tokens[at + 1]}, words_[i].count, i);
      }
    }
    for (const auto& [pair, occurrences] : pairs_) {
      candidates_.push({occurrences.count, pair});
    }
  }

  void change(const Pair& pair, std::int64_t by, std::uint32_t word) {
    Occurrences& occurrences = pairs_[pair];
    occurrences.count += by;
    if (by > 0 && (occurrences.words.empty() || occurrences.words.back() != word)) {
      occurrences.words.push_back(word);
    }
  }

  void merge(const Pair& pair) {
    const auto text = [&](std::int32_t id) -> const std::string& {
      return tokens_[static_cast<std::size_t>(id)].bytes;
    };
    const auto result = add_token(text(pair.first) + text(pair.second));
    merges_.push_back({pair.first, pair.second, result});
    auto words = std::move(pairs_.at(pair).words);
    std::ranges::sort(words);
    words.erase(std::unique(words.begin(), words.end()), words.end());
    risen_.clear();
    for (const auto word : words) {
      merge_in(word, pair, result);
    }
    pairs_.at(pair) = {};
    std::ranges::sort(risen_);
    risen_.erase(std::unique(risen_.begin(), risen_.end()), risen_.end());
    for (const Pair& risen : risen_) {
      if (const auto count = pairs_.at(risen).count; count > 0) {
        candidates_.push({count, risen});
      }
    }
  }

  void merge_in(std::uint32_t number, const Pair& pair, std::int32_t result) {
    auto& [tokens, count] = words_[number];
    std::size_t kept = 0;
    for (std::size_t at = 0; at < tokens.size(); ++at) {
      if (at + 1 == tokens.size() || tokens[at] != pair.first || tokens[at + 1] != pair.second) {
        tokens[kept++] = tokens[at];
        continue;
      }
      if (kept > 0) {
        change({tokens[kept - 1], pair.first}, -count, number);
        rise({tokens[kept - 1], result}, count, number);
      }
      if (at + 2 < tokens.size()) {
        change({pair.second, tokens[at + 2]}, -count, number);
        rise({result, tokens[at + 2]}, count, number);
      }
      tokens[kept++] = result;
      ++at;
    }
    tokens.resize(kept);
  }

  void rise(const Pair& pair, std::int64_t by, std::uint32_t word) {
    change(pair, by, word);
    risen_.push_back(pair);
  }

  std::vector<Word> words_;
  std::vector<Token> tokens_;
  std::vector<Merge> merges_;
  std::array<std::int32_t, 256> byte_tokens_{};
  std::unordered_map<std::string, std::int32_t> ids_;
  std::unordered_map<Pair, Occurrences, PairHash> pairs_;
  std::priority_queue<Candidate> candidates_;
  std::vector<Pair> risen_;
};

}  // namespace

std::size_t BytePairTrainer::count(std::string_view text, bool is_whole) {
  PieceScanner scanner(text, is_whole);
  for (auto piece = scanner.next(); !piece.empty(); piece = scanner.next()) {
    const auto known = pieces_.find(piece);
    if (known != pieces_.end()) {
      ++known->second;
    } else {
      pieces_.emplace(piece, 1);
    }
  }
  return text.size() - scanner.rest().size();
}

BytePairs BytePairTrainer::train(std::int64_t vocabulary) const {
  std::vector<Word> words;
  words.reserve(pieces_.size());
  for (const auto& [piece, count] : pieces_) {
    auto& word = words.emplace_back();
    word.count = count;
    for (const char byte : piece) {
      word.tokens.push_back(static_cast<unsigned char>(byte));
    }
  }
  Training training(std::move(words));
  training.run(vocabulary);
  return std::move(training).finish().value();
}

}  // namespace nodezero::model
