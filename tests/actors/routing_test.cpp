// SPDX-License-Identifier: BSD-3-Clause
#include "actors/spheres/routing.hpp"

#include <numeric>

#include <gtest/gtest.h>

#include "actors/spheres/topology.hpp"

namespace nodezero::actors {
namespace {

model::MicroBatch batch_of(std::vector<std::int32_t> tokens) {
  model::MicroBatch batch;
  batch.sequences = 1;
  batch.context = static_cast<std::int64_t>(tokens.size());
  batch.valid_tokens = batch.context;
  batch.targets.assign(tokens.size(), 0);
  batch.inputs = std::move(tokens);
  return batch;
}

std::vector<RoutingTarget> even_targets(std::uint32_t children, std::uint32_t symmetry) {
  std::vector<RoutingTarget> targets;
  for (std::uint32_t t = 0; t < children; ++t) {
    const auto groups = owned_groups(t, children, symmetry);
    targets.push_back({1, groups.first, groups.last});
  }
  return targets;
}

std::vector<std::uint32_t> all_positions(std::size_t count) {
  std::vector<std::uint32_t> positions(count);
  std::iota(positions.begin(), positions.end(), 0);
  return positions;
}

TEST(Routing, DominantGoesToTheMostFrequentGroupTheLowestOnATie) {
  const Router router(RoutingPolicy::dominant, 12, 0, {});
  const StepBatches batches{{batch_of({5, 17, 29, 1}), batch_of({3, 4}), batch_of({11, 23, 0})}};
  EXPECT_EQ(router.route(batches, all_positions(3), even_targets(12, 12)),
            (std::vector<std::uint32_t>{5, 3, 11}));
  // 3 spheres own 4 groups each.
  EXPECT_EQ(router.route(batches, all_positions(3), even_targets(3, 12)),
            (std::vector<std::uint32_t>{1, 0, 2}));
}

TEST(Routing, PaddingIsNotCounted) {
  auto batch = batch_of({7, 0, 0, 0});
  batch.targets = {1, model::ignored_target, model::ignored_target, model::ignored_target};
  const Router router(RoutingPolicy::dominant, 12, 0, {});
  const auto counts = router.affinity(batch);
  EXPECT_EQ(counts[7], 1u);
  EXPECT_EQ(counts[0], 0u);
}

TEST(Routing, BalancedMeasuresAgainstTheCorpusAverage) {
  // Group 0 dominates everywhere; what distinguishes the batches is group 1 and 2.
  std::vector<double> frequencies(12, 0.0);
  frequencies[0] = 80;
  frequencies[1] = 10;
  frequencies[2] = 10;
  const Router router(RoutingPolicy::balanced, 12, 0, frequencies);
  const StepBatches batches{
      {batch_of({0, 0, 0, 2, 2}), batch_of({0, 0, 0, 1, 1}), batch_of({0, 0, 0, 0, 0})}};
  const auto routes = router.route(batches, all_positions(3), even_targets(12, 12));
  EXPECT_EQ(routes, (std::vector<std::uint32_t>{2, 1, 0}));
}

TEST(Routing, BalancedGivesEveryWorkerItsShare) {  // B8, B9
  const StepBatches same{std::vector(157, batch_of({0, 0, 0}))};
  for (const std::uint32_t children : {2u, 3u, 5u, 12u}) {
    std::vector<std::uint32_t> load(children, 0);
    for (const std::uint32_t child :
         Router(RoutingPolicy::balanced, 12, 0, {})
             .route(same, all_positions(157), even_targets(children, 12))) {
      ++load[child];
    }
    for (const std::uint32_t micro_batches : load) {
      EXPECT_GE(micro_batches, 157 / children);
      EXPECT_LE(micro_batches, 157 / children + 1);
    }
  }
}

TEST(Routing, DeeperLevelsLookAtHigherDigitsOfTheToken) {
  const Router router(RoutingPolicy::dominant, 12, 1, {});
  const auto counts = router.affinity(batch_of({0, 11, 12, 23, 24, 143, 144}));
  EXPECT_EQ(counts[0], 3u);  // 0, 11 and 144 = 1 * 144 + 0 * 12 + 0
  EXPECT_EQ(counts[1], 2u);
  EXPECT_EQ(counts[2], 1u);
  EXPECT_EQ(counts[11], 1u);
}

}  // namespace
}  // namespace nodezero::actors
