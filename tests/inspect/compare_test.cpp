// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/inspect/compare.hpp"

#include <gtest/gtest.h>

#include "support/trace_builder.hpp"

namespace nodezero::runtime::inspect {
namespace {

using testing::TraceBuilder;

/// Two workers report to a root, in either order; `loss` is what the second says.
Trace reports(bool second_first, std::uint64_t loss, const std::string& lane = "worker") {
  TraceBuilder builder;
  builder.fields("report", {"loss"});
  const auto root = builder.spawn("root");
  const auto one = builder.spawn(lane, 1);
  const auto two = builder.spawn(lane, 2);
  std::vector<std::pair<std::uint32_t, std::uint64_t>> order = {{one, 5}, {two, loss}};
  if (second_first) {
    std::swap(order[0], order[1]);
  }
  std::vector<std::uint64_t> sent;
  for (const auto& [from, value] : order) {
    sent.push_back(builder.send(from, root, "report", {value}));
  }
  for (const auto message : sent) {
    builder.begin(message);
    builder.end(message);
  }
  return builder.build();
}

TEST(Compare, ATraceIsTheSameAsItself) {
  const Trace trace = testing::random_trace(1, 6, 3000);
  EXPECT_FALSE(first_difference(trace, trace));
}

TEST(Compare, IgnoresTimesAndTheOrderOfIndependentMessages) {
  Trace later = reports(true, 6);
  for (auto& event : later.events) {
    event.time += 12'345;
  }
  EXPECT_FALSE(first_difference(reports(false, 6), later));
}

TEST(Compare, NamesBothEventsWhereAPayloadDiffers) {
  const auto difference = first_difference(reports(false, 6), reports(true, 7));
  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->left, 5u);   // worker 2 sends, second
  EXPECT_EQ(difference->right, 4u);  // there first
}

TEST(Compare, FindsWhatOnlyOneRunHas) {
  const Trace whole = testing::random_trace(2, 5, 1000);
  Trace part = whole;
  part.events.resize(700);
  part.link();
  const auto there = first_difference(whole, part);
  ASSERT_TRUE(there);
  EXPECT_GT(there->left, 0u);
  EXPECT_EQ(there->right, 0u);
  const auto back = first_difference(part, whole);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->left, 0u);
  EXPECT_EQ(back->right, there->left);
}

TEST(Compare, ActorsThatDoEachOthersWorkAreOne) {
  const auto run = [](std::uint32_t chosen) {
    TraceBuilder lanes;
    const auto first = lanes.spawn("lane", 0);
    lanes.spawn("lane", 1);
    lanes.begin(lanes.send(0, first + chosen, "compute"));
    return lanes.build();
  };
  EXPECT_TRUE(first_difference(run(0), run(1)));
  EXPECT_FALSE(
      first_difference(run(0), run(1), {.interchangeable = {"lane"}, .ignored_types = {}}));
}

TEST(Compare, IgnoresTypesThatItIsToldToIgnore) {
  EXPECT_FALSE(first_difference(reports(false, 6), reports(false, 7),
                                {.interchangeable = {}, .ignored_types = {"report"}}));
}

}  // namespace
}  // namespace nodezero::runtime::inspect
