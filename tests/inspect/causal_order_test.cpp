// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/inspect/causal_order.hpp"

#include <gtest/gtest.h>

#include "support/trace_builder.hpp"

namespace nodezero::runtime::inspect {
namespace {

using testing::random_trace;
using testing::TraceBuilder;

/// Happened-before as its definition says it, closed transitively: a table of all pairs.
std::vector<std::vector<bool>> slow_closure(const Trace& trace) {
  const std::size_t n = trace.events.size();
  std::vector<std::vector<bool>> before(n + 1, std::vector<bool>(n + 1));
  const auto same_process = [&](const Event& a, const Event& b) {
    return a.actor == b.actor && (a.actor != 0 || a.thread == b.thread) && a.kind != Kind::drop &&
           b.kind != Kind::drop;
  };
  const auto directly = [&](std::size_t a, std::size_t b) {
    const Event& first = trace.events[a - 1];
    const Event& second = trace.events[b - 1];
    const bool message = first.kind == Kind::send && first.message == second.message &&
                         (second.kind == Kind::begin || second.kind == Kind::drop);
    const bool spawned = second.kind == Kind::spawn && first.actor == second.peer &&
                         (second.peer != 0 || first.thread == second.thread) &&
                         first.kind != Kind::drop;
    return message || spawned || same_process(first, second);
  };
  for (std::size_t b = 1; b <= n; ++b) {
    for (std::size_t a = b - 1; a >= 1; --a) {
      if (!before[a][b] && directly(a, b)) {
        before[a][b] = true;
        for (std::size_t c = 1; c < a; ++c) {
          before[c][b] = before[c][b] || before[c][a];
        }
      }
    }
  }
  return before;
}

TEST(CausalOrder, AgreesWithTheTransitiveClosureOnRandomTraces) {
  for (std::uint32_t seed = 1; seed <= 6; ++seed) {
    const Trace trace = random_trace(seed, 4 + seed * 2, 350);
    const CausalOrder order(trace);
    const auto before = slow_closure(trace);
    for (EventNumber second = 1; second <= trace.events.size(); ++second) {
      std::vector<EventNumber> past;
      for (EventNumber first = 1; first <= trace.events.size(); ++first) {
        ASSERT_EQ(order.happened_before(first, second), before[first][second])
            << "seed " << seed << ": events " << first << " and " << second;
        if (first == second || before[first][second]) {
          past.push_back(first);
        }
      }
      ASSERT_EQ(order.past(second), past) << "seed " << seed << ": event " << second;
    }
  }
}

TEST(CausalOrder, AChainLeadsFromTheFirstEventToTheSecond) {
  const Trace trace = random_trace(11, 8, 400);
  const CausalOrder order(trace);
  std::size_t found = 0;
  for (EventNumber second = 1; second <= trace.events.size(); ++second) {
    for (EventNumber first = 1; first < second; ++first) {
      const auto chain = order.chain(first, second);
      const bool across = order.process(first) != order.process(second) ||
                          order.process(second) == CausalOrder::no_process;
      ASSERT_EQ(!chain.empty(), across && order.happened_before(first, second));
      EventNumber at = first;
      for (const auto& hop : chain) {
        ASSERT_EQ(order.process(at), order.process(hop.from));
        ASSERT_LE(at, hop.from);
        ASSERT_EQ(order.cause(hop.to), hop.from);
        at = hop.to;
        ++found;
      }
      if (!chain.empty()) {
        ASSERT_LE(at, second);
        ASSERT_EQ(order.process(at), order.process(second));
      }
    }
  }
  EXPECT_GT(found, 1000u);
}

TEST(CausalOrder, NothingFollowsADrop) {
  TraceBuilder builder;
  const auto a = builder.spawn("a");
  const auto b = builder.spawn("b");
  builder.drop(builder.send(a, b, "lost"));
  const auto drop = builder.last();
  builder.begin(builder.send(a, b, "kept"));
  const Trace trace = builder.build();
  const CausalOrder order(trace);
  EXPECT_TRUE(order.happened_before(drop - 1, drop));
  EXPECT_FALSE(order.happened_before(drop, builder.last()));
}

TEST(CausalOrder, ThreadsOfWhatIsNotRecordedAreProcessesOfTheirOwn) {
  TraceBuilder builder;
  const auto a = builder.spawn("a");
  builder.send(0, a, "first");
  builder.send(0, a, "second");
  Trace trace = builder.build();
  trace.events[2].thread = 7;
  trace.link();
  const CausalOrder order(trace);
  EXPECT_FALSE(order.happened_before(2, 3));
  EXPECT_EQ(order.process_name(order.process(2)), "outside");
  EXPECT_NE(order.process_name(order.process(3)), "outside");
}

}  // namespace
}  // namespace nodezero::runtime::inspect
