// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/inspect/shiviz.hpp"

#include <map>
#include <numeric>
#include <regex>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/trace_builder.hpp"

namespace nodezero::runtime::inspect {
namespace {

using Clock = std::map<std::string, std::uint64_t>;
struct Line {
  std::string host;
  Clock clock;
  EventNumber event = 0;
};

std::vector<Line> parsed(const std::string& text) {
  std::istringstream stream(text);
  std::string header, delimiter, head, body;
  std::getline(stream, header);
  std::getline(stream, delimiter);
  EXPECT_EQ(header, R"((?<host>\S*) (?<clock>{.*})\n(?<event>.*))");
  EXPECT_EQ(delimiter, "");
  std::vector<Line> lines;
  static const std::regex shape(R"((\S*) (\{.*\}))");
  while (std::getline(stream, head)) {
    EXPECT_TRUE(std::getline(stream, body) && !body.empty());
    std::smatch match;
    EXPECT_TRUE(std::regex_match(head, match, shape)) << head;
    lines.push_back({match[1], nlohmann::json::parse(match[2].str()).get<Clock>(),
                     static_cast<EventNumber>(std::stoul(body.substr(body.rfind(' ') + 1)))});
  }
  return lines;
}

std::vector<Line> exported(const Trace& trace, const std::vector<EventNumber>& events) {
  const CausalOrder order(trace);
  std::string text;
  TextOutput out(text);
  write_shiviz(trace, order, events, out);
  out.flush();
  return parsed(text);
}

std::vector<EventNumber> all_of(const Trace& trace) {
  std::vector<EventNumber> all(trace.events.size());
  std::iota(all.begin(), all.end(), 1);
  return all;
}

/// By the rules of ShiViz's reader: a host's own clock starts at 1 and rises by 1; a clock names
/// only hosts that exist, and times that they have.
void validate(const std::vector<Line>& lines) {
  std::map<std::string, std::uint64_t> length;
  for (const auto& line : lines) {
    ASSERT_TRUE(line.clock.contains(line.host));
    ASSERT_EQ(line.clock.at(line.host), ++length[line.host]) << line.host;
  }
  for (const auto& line : lines) {
    for (const auto& [host, time] : line.clock) {
      ASSERT_TRUE(length.contains(host)) << host;
      ASSERT_GE(time, 1u);
      ASSERT_LE(time, length[host]);
    }
  }
}

TEST(Shiviz, IsValidForRandomTraces) {
  for (std::uint32_t seed = 1; seed <= 5; ++seed) {
    const Trace trace = testing::random_trace(seed, 6, 1500);
    ASSERT_NO_FATAL_FAILURE(validate(exported(trace, all_of(trace))));
  }
}

TEST(Shiviz, ClocksThatAreMergedAsShivizDoesSayWhatHappenedBefore) {
  const Trace trace = testing::random_trace(9, 5, 400);
  const CausalOrder order(trace);
  const auto lines = exported(trace, all_of(trace));
  // Each line's whole clock: its own, merged with those of the events that it names.
  std::map<std::string, std::vector<Clock>> whole;
  std::vector<Clock> clocks;
  const auto merge = [](Clock& into, const Clock& other) {
    for (const auto& [host, time] : other) {
      into[host] = std::max(into[host], time);
    }
  };
  for (const auto& line : lines) {
    Clock clock = line.clock;
    for (const auto& [host, time] : line.clock) {
      if (host != line.host) {
        merge(clock, whole[host].at(time - 1));
      } else if (time > 1) {
        merge(clock, whole[host].at(time - 2));
      }
    }
    whole[line.host].push_back(clock);
    clocks.push_back(clock);
  }
  for (std::size_t b = 0; b < lines.size(); ++b) {
    for (std::size_t a = 0; a < b; ++a) {
      const auto found = clocks[b].find(lines[a].host);
      const bool before =
          found != clocks[b].end() && found->second >= lines[a].clock.at(lines[a].host);
      ASSERT_EQ(before, order.happened_before(lines[a].event, lines[b].event))
          << lines[a].event << " " << lines[b].event;
    }
  }
}

TEST(Shiviz, IsValidForAFewOfTheEvents) {
  const Trace trace = testing::random_trace(2, 6, 1500);
  std::vector<EventNumber> some;
  for (EventNumber number = 200; number <= trace.events.size(); number += 3) {
    some.push_back(number);
  }
  ASSERT_NO_FATAL_FAILURE(validate(exported(trace, some)));
}

TEST(Shiviz, ActorsOfOneNameAreHostsOfTheirOwn) {
  testing::TraceBuilder builder;
  builder.spawn("worker", 3);
  builder.spawn("worker", 3);
  const Trace trace = builder.build();
  const auto lines = exported(trace, all_of(trace));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_NE(lines[0].host, lines[1].host);
}

}  // namespace
}  // namespace nodezero::runtime::inspect
