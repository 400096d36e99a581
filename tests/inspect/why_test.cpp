// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/inspect/why.hpp"

#include <gtest/gtest.h>

#include "support/trace_builder.hpp"

namespace nodezero::runtime::inspect {
namespace {

using testing::TraceBuilder;

/// A guest orders; the cook needs two ingredients, then serves, and the guest thanks.
struct Dinner {
  Dinner() {
    builder.fields("order", {"table"});
    shop = builder.spawn("shop");
    cook = builder.spawn("cook", 4, shop);
    const auto order = builder.send(0, shop, "order", {7}, trace::is_request, 1);
    builder.begin(order);
    builder.send(shop, cook, "flour");
    builder.send(shop, cook, "salt");
    builder.end(order);
    builder.begin(2);
    builder.end(2);
    builder.begin(3);
    builder.send(cook, shop, "bread");
    served = builder.last();
    builder.end(3);
    trace = builder.build();
  }
  TraceBuilder builder;
  std::uint32_t shop = 0, cook = 0, served = 0;
  Trace trace;
};

TEST(Why, FollowsMessagesBackToWhatNobodyRecordedCaused) {
  const Dinner dinner;
  const auto reasons = reasons_for(dinner.trace, Handlings(dinner.trace), dinner.served);
  ASSERT_EQ(reasons.size(), 2u);
  EXPECT_EQ(reasons[0].event, 6u);  // salt is sent
  EXPECT_EQ(reasons[0].handled, 10u);
  EXPECT_EQ(reasons[0].gathered, std::vector<EventNumber>{8u});  // flour had come
  EXPECT_EQ(reasons[1].event, 3u);                               // the order
  EXPECT_EQ(reasons[1].handled, 4u);
}

TEST(Why, SaysItInPlainWords) {
  const Dinner dinner;
  const auto reasons = reasons_for(dinner.trace, Handlings(dinner.trace), dinner.served);
  const Phrases phrases = {{"order", "asked {to} for bread to table {table}"}};
  EXPECT_EQ(why_as_text(dinner.trace, dinner.served, reasons, phrases),
            "event 11: cook 4 sent bread to shop, at 11.00 us\n"
            "  because event 6: shop sent salt to cook 4 [taken up in event 10, 4.00 us later; "
            "1 flour had come before]\n"
            "  because event 3: outside asked shop for bread to table 7 [taken up in event 4, "
            "1.00 us later]\n");
  EXPECT_NE(why_as_text(dinner.trace, dinner.served, reasons, phrases, 1)
                .find("and 1 more reason back to event 3"),
            std::string::npos);
}

TEST(Why, WhatAnActorDoesAtItsBirthIsCausedByItsSpawn) {
  TraceBuilder builder;
  const auto a = builder.spawn("a");
  builder.begin(builder.send(0, a, "go"));
  const auto b = builder.spawn("b", trace::Actor::unnumbered, a);
  builder.send(b, a, "here");
  const Trace trace = builder.build();
  const auto reasons = reasons_for(trace, Handlings(trace), builder.last());
  ASSERT_EQ(reasons.size(), 2u);
  EXPECT_EQ(reasons[0].event, 4u);  // the spawn of b
  EXPECT_EQ(reasons[1].event, 2u);  // go
}

TEST(Why, EndsForEveryEventOfRandomTraces) {
  const Trace trace = testing::random_trace(3, 6, 2000);
  const Handlings handlings(trace);
  const CausalOrder order(trace);
  for (EventNumber event = 1; event <= trace.events.size(); ++event) {
    for (EventNumber before = event; const auto& reason : reasons_for(trace, handlings, event)) {
      ASSERT_LT(reason.event, before);
      ASSERT_TRUE(order.happened_before(reason.event, event));
      before = reason.event;
    }
  }
}

}  // namespace
}  // namespace nodezero::runtime::inspect
