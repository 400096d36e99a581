// SPDX-License-Identifier: BSD-3-Clause
#include "model/gpt2/continuation.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "model/gpt2/version_decoder.hpp"
#include "model/kernels/cross_entropy.hpp"

namespace nodezero::model {
namespace {

// Rows that prompts may add to a pass: enough to use the matrix kernels well, and few enough that
// the others' next token is not held up for long.
constexpr std::size_t prompt_rows = 64;

double log_probability(std::span<const float> logits, std::int32_t id) {
  return -negative_log_likelihood(ConstVector(logits), id);
}

/// The `count` largest, the lowest id first among equals.
std::vector<std::int32_t> largest(std::span<const float> logits, std::size_t count) {
  std::vector<std::int32_t> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  const auto end = ids.begin() + static_cast<std::ptrdiff_t>(std::min(count, ids.size()));
  std::partial_sort(ids.begin(), end, ids.end(), [&](std::int32_t a, std::int32_t b) {
    const float x = logits[static_cast<std::size_t>(a)], y = logits[static_cast<std::size_t>(b)];
    return x > y || (x == y && a < b);
  });
  ids.erase(end, ids.end());
  return ids;
}

}  // namespace

Continuation::Continuation(const ModelConfig& config, std::span<const std::int32_t> prompt,
                           ContinuationOptions options)
    : config_(config), options_(std::move(options)) {
  if (prompt.empty()) {
    throw std::invalid_argument("generation needs at least one token");
  }
  if (std::ranges::any_of(prompt,
                          [&](std::int32_t id) { return id < 0 || id >= config.vocabulary; })) {
    throw std::invalid_argument("a token lies outside the vocabulary");
  }
  const auto seen = prompt.last(std::min(prompt.size(), static_cast<std::size_t>(config.context)));
  window_.assign(seen.begin(), seen.end());
  prompt_size_ = window_.size();
  if (options_.details.of_prompt) {
    scored_prompt_.push_back({window_.front()});
    scored_to_ = 1;
  } else {
    scored_to_ = prompt_size_;
  }
  is_done_ = options_.tokens <= 0 && scored_to_ == prompt_size_;
}

Continuation::~Continuation() = default;

/// The tokens that are not in the cache yet, at most so many.
std::span<const std::int32_t> Continuation::next_piece(std::size_t most) {
  if (cache_->size() == config_.context) {
    const auto kept = std::max<std::ptrdiff_t>(1, config_.context / 2);
    window_.erase(window_.begin(), window_.end() - kept);
    cache_->clear();
  }
  const auto fresh = std::span(window_).subspan(static_cast<std::size_t>(cache_->size()));
  return fresh.first(std::min(fresh.size(), most));
}

/// Before the cache takes the piece.
bool Continuation::wants_logits(std::size_t row_in_piece) const {
  const std::size_t next = static_cast<std::size_t>(cache_->size()) + row_in_piece + 1;
  return (next == window_.size() && options_.tokens > 0) ||
         (next >= scored_to_ && next < prompt_size_);
}

/// Logits of the next token that somebody wants to know something about.
void Continuation::look_at(std::span<const float> logits) {
  if (scored_to_ < prompt_size_) {
    scored_prompt_.push_back(scored(window_[scored_to_], logits));
    ++scored_to_;
    is_done_ = scored_to_ == prompt_size_ && options_.tokens <= 0;
    return;
  }
  draw(logits);
}

void Continuation::draw(std::span<const float> logits) {
  auto from = logits;
  if (!options_.details.bias.empty()) {
    biased_.assign(logits.begin(), logits.end());
    for (const auto& [id, bias] : options_.details.bias) {
      biased_[static_cast<std::size_t>(id)] += bias;
    }
    from = biased_;
  }
  const std::int32_t token = sample(from, options_.sampling, drawn_++);
  window_.push_back(token);
  scored_.push_back(scored(token, logits));
  is_done_ =
      token == options_.details.end_token || drawn_ >= static_cast<std::uint64_t>(options_.tokens);
}

ScoredToken Continuation::scored(std::int32_t id, std::span<const float> logits) const {
  ScoredToken token{id};
  if (options_.details.log_probabilities) {
    token.log_probability = log_probability(logits, id);
    const auto padded_from = static_cast<std::size_t>(options_.sampling.vocabulary);
    const auto known =
        padded_from == 0 ? logits : logits.first(std::min(padded_from, logits.size()));
    for (const std::int32_t other :
         largest(known, static_cast<std::size_t>(options_.details.likeliest))) {
      token.likeliest.emplace_back(other, log_probability(logits, other));
    }
  }
  return token;
}

void advance(const ModelConfig& config, const std::shared_ptr<VersionDecoder>& version,
             std::span<Continuation* const> continuations, std::int64_t tokens) {
  for (Continuation* const each : continuations) {
    each->version_ = version;
    if (!each->cache_) {
      each->cache_ = std::make_unique<KeyValueCache>(config, version->caches);
    }
    each->target_ = each->drawn_ + static_cast<std::uint64_t>(tokens);
  }
  const auto vocabulary = static_cast<std::size_t>(config.vocabulary);
  struct Row {
    Continuation* owner;
    Index index;
  };
  std::vector<Decoder::Piece> pieces;
  std::vector<Row> wanted;  ///< rows whose logits somebody looks at
  auto& [weights, caches, decoder, hidden_rows, logits] = *version;
  for (;;) {
    pieces.clear();
    wanted.clear();
    Index rows = 0;
    std::size_t room = prompt_rows;
    for (Continuation* const each : continuations) {
      if (each->is_done_ || each->drawn_ >= each->target_) {
        continue;
      }
      const auto piece = each->next_piece(std::max<std::size_t>(room, 1));
      room -= std::min(room, piece.size() - 1);
      for (std::size_t i = 0; i < piece.size(); ++i) {
        if (each->wants_logits(i)) {
          wanted.push_back({each, rows + static_cast<Index>(i)});
        }
      }
      rows += static_cast<Index>(piece.size());
      pieces.push_back({each->cache_.get(), piece});
    }
    if (pieces.empty()) {
      return;
    }
    if (pieces.size() > 1) {
      weights->pack(config);
    }
    const ConstMatrix hidden = decoder.extend(pieces);
    if (wanted.empty()) {
      continue;
    }
    const auto count = static_cast<Index>(wanted.size());
    hidden_rows.resize(wanted.size() * static_cast<std::size_t>(config.width));
    logits.resize(wanted.size() * vocabulary);
    Matrix gathered(hidden_rows, count, config.width);
    for (Index i = 0; i < count; ++i) {
      gathered.row(i) = hidden.row(wanted[static_cast<std::size_t>(i)].index);
    }
    decoder.logits(gathered, Matrix(logits, count, config.vocabulary));
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      wanted[i].owner->look_at(std::span(logits).subspan(i * vocabulary, vocabulary));
    }
  }
}

}  // namespace nodezero::model
