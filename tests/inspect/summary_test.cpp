// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/inspect/summary.hpp"

#include <gtest/gtest.h>

#include "runtime/inspect/critical_path.hpp"
#include "runtime/inspect/filter.hpp"
#include "support/trace_builder.hpp"

namespace nodezero::runtime::inspect {
namespace {

using testing::TraceBuilder;

const SummaryOptions options = {.busy_actor = "lane", .span = "epoch"};

/// root is asked for an epoch; one lane computes twice, one after the other; root answers.
Trace two_computations() {
  TraceBuilder builder;
  const auto root = builder.spawn("root");
  const auto lane = builder.spawn("lane", 0);
  const auto epoch = builder.send(1, root, "epoch", {}, trace::is_request, 1);  // 3
  builder.begin(epoch);
  const auto first = builder.send(root, lane, "compute", {}, trace::is_request, 2);
  const auto second = builder.send(root, lane, "compute", {}, trace::is_request, 3);
  builder.end(epoch);  // 7
  builder.begin(first, 1);
  const auto one = builder.send(lane, root, "computed", {}, trace::is_response, 2);
  builder.end(first);     // 10
  builder.begin(second);  // 11
  const auto two = builder.send(lane, root, "computed", {}, trace::is_response, 3);
  builder.end(second);
  builder.begin(one, 1);
  builder.end(one);
  builder.begin(two);  // 16
  builder.send(root, 1, "done", {}, trace::is_response, 1);
  builder.end(two);
  return builder.build();
}

TEST(Summary, CountsAndMeasures) {
  const Trace trace = two_computations();
  const auto summary = summarize(trace, Handlings(trace), options);
  EXPECT_EQ(summary.events, 18u);
  EXPECT_EQ(summary.messages, 6u);
  EXPECT_EQ(summary.time, 17'000);
  const auto& compute = *std::find_if(summary.types.begin(), summary.types.end(),
                                      [](const auto& type) { return type.type == "compute"; });
  EXPECT_EQ(compute.sent, 2u);
  EXPECT_EQ(compute.handled, 2u);
  EXPECT_EQ(compute.waiting.median, 3000);
  EXPECT_EQ(compute.waiting.maximum, 5000);
  EXPECT_EQ(compute.handling.maximum, 2000);
  const auto& done = *std::find_if(summary.types.begin(), summary.types.end(),
                                   [](const auto& type) { return type.type == "done"; });
  EXPECT_EQ(done.pending, 1u);
  ASSERT_EQ(summary.busy.size(), 1u);
  EXPECT_EQ(summary.busy[0].busy, 4000);
  EXPECT_EQ(summary.busy[0].handled, 2u);
  ASSERT_EQ(summary.by_name.size(), 2u);
  EXPECT_EQ(summary.by_name[0].name, "lane");
  EXPECT_EQ(summary.by_name[0].mailbox.maximum, 1);
}

TEST(Summary, TheCriticalPathOfASpanLeavesNoGap) {
  const Trace trace = two_computations();
  const auto summary = summarize(trace, Handlings(trace), options);
  ASSERT_EQ(summary.spans.size(), 1u);
  const auto& span = summary.spans[0];
  EXPECT_EQ(span.first, 4u);
  EXPECT_EQ(span.last, 17u);
  EXPECT_EQ(span.time, 13'000);
  std::int64_t total = 0;
  for (const auto& share : span.critical_path) {
    total += share.time;
  }
  EXPECT_EQ(total, span.time);
  // root was busy with the first answer when it could have taken the second; the first compute
  // led to that one.
  EXPECT_TRUE(std::any_of(span.critical_path.begin(), span.critical_path.end(), [](const auto& s) {
    return s.what == "lane handles compute" && s.times == 1 && s.time == 1000;
  }));
}

TEST(Summary, CriticalPathsOfRandomTracesAreContiguous) {
  const Trace trace = testing::random_trace(8, 6, 3000);
  const Handlings handlings(trace);
  for (EventNumber number = 100; number <= trace.events.size(); number += 7) {
    std::int64_t to = trace.event(number).time;
    for (const auto& piece : critical_path(trace, handlings, number, 50'000)) {
      ASSERT_EQ(piece.to, to);
      ASSERT_LT(piece.from, piece.to);
      to = piece.from;
    }
    ASSERT_GE(to, 50'000);
  }
}

TEST(Summary, DistributionsAreOfValuesThatOccur) {
  std::vector<std::int64_t> values;
  for (std::int64_t value = 1; value <= 200; ++value) {
    values.push_back(value);
  }
  const auto found = distribution_of(values);
  EXPECT_EQ(found.median, 100);
  EXPECT_EQ(found.percentile_99, 198);
  EXPECT_EQ(found.maximum, 200);
  EXPECT_EQ(found.total, 20'100);
  EXPECT_EQ(distribution_of({}).count, 0u);
}

TEST(Filter, SelectsByActorTypeEpochStepAndNumber) {
  const Trace trace = testing::random_trace(1, 5, 1000);
  const auto count = [&](const Filter& filter) {
    std::size_t found = 0;
    for (const Event& event : trace.events) {
      const auto number = static_cast<EventNumber>(&event - trace.events.data() + 1);
      const bool actor = filter.actors.empty() || trace.actor_name(event.actor) == "actor 2" ||
                         (event.kind == Kind::send && trace.actor_name(event.peer) == "actor 2");
      const bool type = filter.types.empty() || trace.name(event.type) == "ask";
      const bool epoch = !filter.epoch || number_around(trace, event, "epoch") == filter.epoch;
      const bool step = !filter.step || number_around(trace, event, "step") == filter.step;
      const bool between = !filter.between || (number >= 100 && number <= 300);
      found += actor && type && epoch && step && between;
    }
    return found;
  };
  Filter filter;
  EXPECT_EQ(select(trace, filter)->size(), trace.events.size());
  filter.actors = {"actor 2"};
  EXPECT_EQ(select(trace, filter)->size(), count(filter));
  filter.between = {300, 100};
  EXPECT_EQ(select(trace, filter)->size(), count(filter));
  filter.types = {"ask"};
  EXPECT_EQ(select(trace, filter)->size(), count(filter));
  filter = {};
  filter.epoch = 1;
  EXPECT_EQ(select(trace, filter)->size(), count(filter));
  filter.step = 12;
  EXPECT_EQ(select(trace, filter)->size(), count(filter));
  EXPECT_GT(count(filter), 0u);
}

TEST(Filter, NamesWhatTheTraceDoesNotHave) {
  const Trace trace = testing::random_trace(1, 5, 100);
  Filter filter;
  filter.actors = {"nobody"};
  EXPECT_EQ(select(trace, filter).error().message,
            "the trace has no actor 'nobody'; choose from actor");
  filter = {};
  filter.types = {"nothing"};
  EXPECT_EQ(select(trace, filter).error().message,
            "the trace has no message of type 'nothing'; choose from ask, tell");
  filter = {};
  filter.between = {5, 1'000'000};
  EXPECT_EQ(select(trace, filter).error().message,
            "there is no event 1000000; the trace has events 1 to 100");
}

}  // namespace
}  // namespace nodezero::runtime::inspect
