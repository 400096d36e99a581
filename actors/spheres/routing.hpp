// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "actors/messages.hpp"
#include "actors/settings.hpp"
#include "model/tensors/micro_batch.hpp"

namespace nodezero::actors {

/// A child as the router sees it.
struct RoutingTarget {
  std::uint32_t workers = 1;      ///< leaves at or below it
  std::uint32_t first_group = 0;  ///< owns symmetry groups [first_group, last_group)
  std::uint32_t last_group = 0;
};

/// A level of the tree: tokens fall into groups floor(token / symmetry^level) mod symmetry.
class Router {
 public:
  /// `token_frequencies` is a sample's count by token id, the average against which
  /// `balanced` measures; empty means that all groups are equally frequent.
  Router(RoutingPolicy policy, std::uint32_t symmetry, std::uint32_t level,
         std::span<const double> token_frequencies);

  /// The child that computes each of `positions`: a pure function of the batches.
  /// `balanced` gives a micro-batch to the child in whose groups it is most
  /// over-represented; each child's share of the work is its share of the workers, so with
  /// at least as many micro-batches as workers every worker has one.
  std::vector<std::uint32_t> route(const StepBatches& batches,
                                   std::span<const std::uint32_t> positions,
                                   std::span<const RoutingTarget> targets) const;

  /// Tokens of a micro-batch in each group; padding is not counted.
  std::vector<std::uint32_t> affinity(const model::MicroBatch& batch) const;

 private:
  std::vector<std::uint32_t> route_balanced(const StepBatches& batches,
                                            std::span<const std::uint32_t> positions,
                                            std::span<const RoutingTarget> targets) const;
  std::uint32_t group_of(std::int32_t token) const;

  RoutingPolicy policy_;
  std::uint32_t symmetry_;
  std::uint64_t divisor_;
  std::vector<double> average_;  ///< share of each group in the corpus
};

}  // namespace nodezero::actors
