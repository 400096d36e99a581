// SPDX-License-Identifier: BSD-3-Clause
#include "actors/laws/known_facts.hpp"

#include <algorithm>

namespace nodezero::actors {

bool KnownFacts::has(const StepPlace& place, std::uint32_t bit) const {
  const auto found = std::ranges::find(steps_, place, &Step::place);
  return found != steps_.end() && bit / 64 < found->bits.size() &&
         (found->bits[bit / 64] >> (bit % 64) & 1) != 0;
}

void KnownFacts::add(const StepPlace& place, std::uint32_t bit) {
  auto& bits = step(place).bits;
  bits.resize(std::max<std::size_t>(bits.size(), bit / 64 + 1));
  bits[bit / 64] |= std::uint64_t{1} << (bit % 64);
}

bool KnownFacts::contains(const KnownFacts& other) const {
  return versions >= other.versions && epochs_done >= other.epochs_done &&
         (has_halted || !other.has_halted) &&
         std::ranges::all_of(other.steps_, [&](const Step& theirs) {
           const auto own = std::ranges::find(steps_, theirs.place, &Step::place);
           if (own == steps_.end()) {
             return steps_.size() == most_steps && theirs.place < steps_.front().place;
           }
           for (std::size_t i = 0; i < theirs.bits.size(); ++i) {
             if ((theirs.bits[i] & ~(i < own->bits.size() ? own->bits[i] : 0)) != 0) {
               return false;
             }
           }
           return true;
         });
}

void KnownFacts::merge(const KnownFacts& other) {
  versions = std::max(versions, other.versions);
  epochs_done = std::max(epochs_done, other.epochs_done);
  has_halted = has_halted || other.has_halted;
  for (const auto& theirs : other.steps_) {
    auto& bits = step(theirs.place).bits;
    bits.resize(std::max(bits.size(), theirs.bits.size()));
    for (std::size_t i = 0; i < theirs.bits.size(); ++i) {
      bits[i] |= theirs.bits[i];
    }
  }
}

KnownFacts::Step& KnownFacts::step(const StepPlace& place) {
  auto at = std::ranges::lower_bound(steps_, place, {}, &Step::place);
  if (at == steps_.end() || at->place != place) {
    at = steps_.insert(at, {place, {}});
  }
  if (steps_.size() > most_steps) {
    const bool is_first = at == steps_.begin();
    if (is_first) {
      forgotten_ = {place, {}};
      steps_.erase(at);
      return forgotten_;
    }
    const auto index = at - steps_.begin() - 1;
    steps_.erase(steps_.begin());
    at = steps_.begin() + index;
  }
  return *at;
}

}  // namespace nodezero::actors
