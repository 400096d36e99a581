// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/position_range.hpp"
#include "runtime/trace/trace.hpp"

namespace nodezero::actors {

/// Which actors of a trace ran on a host, and not where node_zero did.
class HostActors {
 public:
  explicit HostActors(const runtime::trace::Trace& trace);

  bool contains(std::uint32_t actor) const { return is_on_host_[actor]; }

 private:
  std::vector<bool> is_on_host_;
};

/// Which sums of a step no lane has made: those of several machines' positions, which the machines
/// add together, block by block.
class SumsBetweenMachines {
 public:
  /// A step, as (epoch, step).
  using Place = std::pair<std::uint64_t, std::uint64_t>;

  explicit SumsBetweenMachines(const runtime::trace::Trace& trace) : trace_(trace) {}

  /// Takes the events in their order. With the first block of a step's sum that a machine hands to
  /// the others come the step and all of its sums between machines.
  struct Added {
    Place place;
    std::vector<PositionRange> sums;
  };
  std::optional<Added> take(const runtime::trace::Event& event);

 private:
  struct Step {
    std::uint32_t positions = 0;
    std::vector<PositionRange> own;  ///< what a single machine has added
    bool is_added = false;
  };

  const runtime::trace::Trace& trace_;
  std::map<std::uint64_t, Place> terms_;
  std::map<Place, Step> steps_;
};

}  // namespace nodezero::actors
