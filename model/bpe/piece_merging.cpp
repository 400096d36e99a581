// SPDX-License-Identifier: BSD-3-Clause
#include "model/bpe/piece_merging.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <queue>
#include <vector>

#include "model/bpe/byte_pairs.hpp"

namespace nodezero::model {
namespace {

constexpr std::int32_t none = -1;
/// Up to so many tokens, looking at all of them for each merge is faster than a heap.
constexpr std::size_t few = 48;

std::size_t merge_few(const BytePairs& pairs, std::span<std::int32_t> tokens) {
  std::array<std::int32_t, few> ranks{};  // of a token with the one behind it
  std::size_t count = tokens.size();
  for (std::size_t i = 0; i + 1 < count; ++i) {
    ranks[i] = pairs.rank_of(tokens[i], tokens[i + 1]);
  }
  while (count > 1) {
    std::size_t best = count;
    for (std::size_t i = 0; i + 1 < count; ++i) {
      if (ranks[i] != none && (best == count || ranks[i] < ranks[best])) {
        best = i;
      }
    }
    if (best == count) {
      break;
    }
    tokens[best] = pairs.merges()[static_cast<std::size_t>(ranks[best])].result;
    for (std::size_t i = best + 1; i + 1 < count; ++i) {
      tokens[i] = tokens[i + 1];
      ranks[i] = ranks[i + 1];
    }
    --count;
    if (best > 0) {
      ranks[best - 1] = pairs.rank_of(tokens[best - 1], tokens[best]);
    }
    ranks[best] = best + 1 < count ? pairs.rank_of(tokens[best], tokens[best + 1]) : none;
  }
  return count;
}

/// The tokens of a long piece as a linked list, and its possible merges in a heap. A merge that is
/// no longer possible when its turn comes is passed over.
class LongPiece {
 public:
  LongPiece(const BytePairs& pairs, std::span<std::int32_t> tokens)
      : pairs_(pairs), tokens_(tokens), next_(tokens.size()), previous_(tokens.size()) {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      next_[i] = static_cast<std::uint32_t>(i + 1);
      previous_[i] = static_cast<std::uint32_t>(i) - 1;
    }
    std::vector<Candidate> first;
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
      if (const auto rank = pairs.rank_of(tokens[i], tokens[i + 1]); rank != none) {
        first.push_back({rank, static_cast<std::uint32_t>(i)});
      }
    }
    candidates_ = decltype(candidates_)(std::greater<>(), std::move(first));
  }

  std::size_t merge() {
    while (!candidates_.empty()) {
      const Candidate candidate = candidates_.top();
      candidates_.pop();
      if (is_possible(candidate)) {
        apply(candidate);
      }
    }
    std::size_t count = 0;
    for (std::size_t i = 0; i < tokens_.size(); i = next_[i]) {
      tokens_[count++] = tokens_[i];
    }
    return count;
  }

 private:
  struct Candidate {
    std::int32_t rank;
    std::uint32_t place;
    auto operator<=>(const Candidate&) const = default;
  };

  bool is_possible(const Candidate& candidate) const {
    const auto next = next_[candidate.place];
    if (tokens_[candidate.place] == none || next == tokens_.size()) {
      return false;
    }
    const Merge& merge = pairs_.merges()[static_cast<std::size_t>(candidate.rank)];
    return tokens_[candidate.place] == merge.left && tokens_[next] == merge.right;
  }

  void apply(const Candidate& candidate) {
    const auto place = candidate.place;
    const auto gone = next_[place];
    tokens_[place] = pairs_.merges()[static_cast<std::size_t>(candidate.rank)].result;
    tokens_[gone] = none;
    next_[place] = next_[gone];
    if (next_[place] != tokens_.size()) {
      previous_[next_[place]] = place;
      offer(place);
    }
    if (place != 0) {
      offer(previous_[place]);
    }
  }

  void offer(std::uint32_t place) {
    if (const auto rank = pairs_.rank_of(tokens_[place], tokens_[next_[place]]); rank != none) {
      candidates_.push({rank, place});
    }
  }

  const BytePairs& pairs_;
  std::span<std::int32_t> tokens_;  ///< `none` where one has become part of the one before it
  std::vector<std::uint32_t> next_;
  std::vector<std::uint32_t> previous_;
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> candidates_;
};

}  // namespace

std::size_t merge_piece(const BytePairs& pairs, std::span<std::int32_t> tokens) {
  return tokens.size() <= few ? merge_few(pairs, tokens) : LongPiece(pairs, tokens).merge();
}

}  // namespace nodezero::model
