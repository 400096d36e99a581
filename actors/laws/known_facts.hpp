// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <tuple>
#include <vector>

namespace nodezero::actors {

/// A step, as (epoch, step, is an evaluation's).
using StepPlace = std::tuple<std::uint64_t, std::uint64_t, bool>;

/// What a process knows to have happened: of the last few steps each fact, of all the highest
/// version, how many epochs are done, and whether the run has halted.
class KnownFacts {
 public:
  using Pointer = std::shared_ptr<const KnownFacts>;

  std::uint64_t versions = 0;  ///< the highest complete one plus 1
  std::uint64_t epochs_done = 0;
  bool has_halted = false;

  bool has(const StepPlace& place, std::uint32_t bit) const;
  void add(const StepPlace& place, std::uint32_t bit);
  bool contains(const KnownFacts& other) const;
  void merge(const KnownFacts& other);

 private:
  struct Step {
    StepPlace place;
    std::vector<std::uint64_t> bits;
  };
  static constexpr std::size_t most_steps = 6;

  Step& step(const StepPlace& place);

  std::vector<Step> steps_;  ///< ascending
  Step forgotten_;           ///< what is too old to be kept
};

}  // namespace nodezero::actors
