// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/inspect/mermaid.hpp"

#include <regex>
#include <set>

#include <gtest/gtest.h>

#include "support/trace_builder.hpp"

namespace nodezero::runtime::inspect {
namespace {

/// Lines as Mermaid's sequence diagrams have them; participants are declared before they occur.
/// Returns the events in brackets.
std::vector<EventNumber> validated(const std::string& text) {
  std::istringstream stream(text);
  std::string line;
  std::getline(stream, line);
  EXPECT_EQ(line, "sequenceDiagram");
  static const std::regex participant(R"(  participant (p\d+) as [^;#]+)");
  static const std::regex arrow(R"(  (p\d+)(?:->>|-->>)(p\d+): [^;#]* \[(\d+)\])");
  static const std::regex note(R"(  Note over (p\d+): [^;#]+)");
  std::set<std::string> known;
  std::vector<EventNumber> events;
  while (std::getline(stream, line)) {
    std::smatch match;
    if (std::regex_match(line, match, participant)) {
      EXPECT_TRUE(known.insert(match[1]).second) << line;
    } else if (std::regex_match(line, match, arrow)) {
      EXPECT_TRUE(known.contains(match[1]) && known.contains(match[2])) << line;
      events.push_back(static_cast<EventNumber>(std::stoul(match[3])));
    } else {
      EXPECT_TRUE(std::regex_match(line, match, note) && known.contains(match[1])) << line;
    }
  }
  return events;
}

TEST(Mermaid, DrawsTheMessagesOfTheCausalPast) {
  const Trace trace = testing::random_trace(5, 6, 300);
  const CausalOrder order(trace);
  const auto last = static_cast<EventNumber>(trace.events.size());
  std::vector<EventNumber> expected;
  for (const auto event : order.past(last)) {
    if (trace.event(event).kind == Kind::begin) {
      expected.push_back(event);
    }
  }
  EXPECT_EQ(validated(mermaid_of_past(trace, order, last)), expected);
}

TEST(Mermaid, KeepsWithinTheLimitAndThenShowsTheLastMessages) {
  const Trace trace = testing::random_trace(6, 6, 20'000);
  const CausalOrder order(trace);
  const auto last = static_cast<EventNumber>(trace.events.size());
  for (const std::size_t limit : {std::size_t{2000}, mermaid_limit}) {
    const auto text = mermaid_of_past(trace, order, last, limit);
    EXPECT_LE(text.size(), limit);
    EXPECT_GT(text.size(), limit * 9 / 10 - 300);
    EXPECT_NE(text.find("earlier messages are left out"), std::string::npos);
    const auto events = validated(text);
    EXPECT_EQ(events.back() > last * 9 / 10, true);
  }
}

TEST(Mermaid, LeavesOutWhatMermaidWouldReadAsItsOwn) {
  testing::TraceBuilder builder;
  const auto a = builder.spawn("a;b#c");
  const auto message = builder.send(0, a, "evil;%%#type<br>");
  builder.begin(message);
  const Trace trace = builder.build();
  EXPECT_EQ(validated(mermaid_of_past(trace, CausalOrder(trace), 3)).size(), 1u);
}

}  // namespace
}  // namespace nodezero::runtime::inspect
