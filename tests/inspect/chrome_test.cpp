// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/inspect/chrome.hpp"

#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/trace_builder.hpp"

namespace nodezero::runtime::inspect {
namespace {

using nlohmann::json;
using testing::random_trace;
using testing::TraceBuilder;

struct Exported {
  std::vector<std::string> files;
  std::vector<json> parsed;
};

Exported exported(const Trace& trace, const std::vector<Violation>& violations = {},
                  std::uint64_t limit = chrome_file_limit) {
  const CausalOrder order(trace);
  const Handlings handlings(trace);
  std::vector<EventNumber> all(trace.events.size());
  std::iota(all.begin(), all.end(), 1);
  Exported result;
  for (std::span<const EventNumber> left = all; !left.empty();) {
    std::string text;
    TextOutput out(text);
    left = left.subspan(write_chrome(trace, order, handlings, left, violations, out, limit));
    out.flush();
    result.files.push_back(text);
    result.parsed.push_back(json::parse(text));
  }
  return result;
}

/// Nanoseconds: times are written in microseconds with three decimals.
std::int64_t nanoseconds(const json& event, const char* key) {
  return std::llround(event.at(key).get<double>() * 1000);
}

/// What Perfetto and chrome://tracing ask of a file; throws or fails if something is wrong.
void validate(const json& file) {
  struct Slice {
    std::int64_t from, to;
  };
  std::map<std::int64_t, std::vector<Slice>> lanes;
  std::map<std::int64_t, std::string> names;
  for (const auto& event : file.at("traceEvents")) {
    ASSERT_TRUE(event.at("pid").is_number_integer()) << event;
    ASSERT_TRUE(event.at("tid").is_number_integer()) << event;
    const auto phase = event.at("ph").get<std::string>();
    if (phase == "M") {
      if (event.at("name") == "thread_name") {
        ASSERT_TRUE(names.emplace(event.at("tid"), event.at("args").at("name")).second);
      }
      continue;
    }
    ASSERT_TRUE(event.at("ts").is_number()) << event;
    ASSERT_GE(event.at("ts").get<double>(), 0) << event;
    if (phase == "X") {
      const auto from = nanoseconds(event, "ts");
      ASSERT_GE(event.at("dur").get<double>(), 0);
      lanes[event.at("tid")].push_back({from, from + nanoseconds(event, "dur")});
    }
  }
  std::set<std::string> distinct;
  for (const auto& [tid, slices] : lanes) {
    ASSERT_TRUE(names.contains(tid)) << "a lane without a name";
    ASSERT_TRUE(distinct.insert(names[tid]).second) << names[tid] << " twice";
    auto sorted = slices;
    std::sort(sorted.begin(), sorted.end(), [](const Slice& a, const Slice& b) {
      return a.from != b.from ? a.from < b.from : a.to < b.to;
    });
    for (std::size_t i = 1; i < sorted.size(); ++i) {
      ASSERT_LE(sorted[i - 1].to, sorted[i].from) << "slices overlap on lane " << tid;
    }
  }
  const auto lies_in_slice = [&](const json& event) {
    const auto at = nanoseconds(event, "ts");
    const auto& slices = lanes[event.at("tid")];
    return std::any_of(slices.begin(), slices.end(),
                       [&](const Slice& slice) { return slice.from <= at && at <= slice.to; });
  };
  std::map<std::int64_t, json> starts, ends;
  for (const auto& event : file.at("traceEvents")) {
    const auto phase = event.at("ph").get<std::string>();
    if (phase == "s" || phase == "f") {
      ASSERT_TRUE(lies_in_slice(event)) << event;
      auto& side = phase == "s" ? starts : ends;
      ASSERT_TRUE(side.emplace(event.at("id"), event).second) << "an id twice: " << event;
    }
    if (phase == "f") {
      ASSERT_EQ(event.at("bp"), "e");
    }
    if (phase == "i") {
      ASSERT_TRUE((std::set<std::string>{"t", "p", "g"}.contains(event.at("s"))));
    }
    if (phase == "C") {
      ASSERT_TRUE(event.at("args").begin()->is_number());
    }
  }
  ASSERT_EQ(starts.size(), ends.size());
  for (const auto& [id, start] : starts) {
    ASSERT_TRUE(ends.contains(id));
    ASSERT_EQ(start.at("name"), ends[id].at("name"));
    ASSERT_EQ(start.at("cat"), ends[id].at("cat"));
    ASSERT_LE(start.at("ts"), ends[id].at("ts"));
  }
}

std::size_t count(const json& file, const std::string& phase) {
  std::size_t found = 0;
  for (const auto& event : file.at("traceEvents")) {
    found += event.at("ph") == phase;
  }
  return found;
}

TEST(Chrome, IsValidForRandomTraces) {
  for (std::uint32_t seed = 1; seed <= 5; ++seed) {
    const Trace trace = random_trace(seed, 6, 2000);
    const auto result = exported(trace);
    ASSERT_EQ(result.files.size(), 1u);
    ASSERT_NO_FATAL_FAILURE(validate(result.parsed[0]));
    // Every message whose handling is known has an arrow, whoever sent it.
    std::size_t handled = 0;
    for (const auto& message : trace.messages) {
      handled += message.sent != 0 && message.begun != 0;
    }
    EXPECT_EQ(count(result.parsed[0], "s"), handled);
  }
}

TEST(Chrome, HasASliceAHandlingAndACounterWhereTheDepthChanges) {
  TraceBuilder builder;
  const auto a = builder.spawn("a");
  const auto first = builder.send(0, a, "one");
  const auto second = builder.send(0, a, "two");
  builder.begin(first, 1);
  builder.end(first);
  builder.begin(second, 0);
  builder.end(second);
  const auto file = exported(builder.build()).parsed[0];
  EXPECT_EQ(count(file, "X"), 4u);  // two of them the sendings from outside
  EXPECT_EQ(count(file, "C"), 2u);
  for (const auto& event : file.at("traceEvents")) {
    if (event.at("ph") == "X" && event.at("name") == "one" && event.at("cat") == "message") {
      EXPECT_EQ(event.at("ts"), 4.0);
      EXPECT_EQ(event.at("dur"), 1.0);
      EXPECT_EQ(event.at("args").at("from"), "outside");
    }
  }
}

TEST(Chrome, SplitsIntoFilesThatAreValidEach) {
  const Trace trace = random_trace(3, 6, 4000);
  constexpr std::uint64_t limit = 100'000;
  const auto whole = exported(trace);
  const auto split = exported(trace, {}, limit);
  EXPECT_GT(split.files.size(), 3u);
  std::size_t slices = 0;
  for (std::size_t i = 0; i < split.files.size(); ++i) {
    EXPECT_LE(split.files[i].size(), limit);
    ASSERT_NO_FATAL_FAILURE(validate(split.parsed[i]));
    for (const auto& event : split.parsed[i].at("traceEvents")) {
      slices += event.at("ph") == "X" && event.at("cat") == "message";
    }
  }
  EXPECT_EQ(slices, Handlings(trace).size());
}

TEST(Chrome, MarksViolations) {
  const Trace trace = random_trace(4, 3, 100);
  const auto file = exported(trace, {{"some-rule", 5, 50, "what"}}).parsed[0];
  ASSERT_NO_FATAL_FAILURE(validate(file));
  std::size_t found = 0;
  for (const auto& event : file.at("traceEvents")) {
    found += event.at("name") == "violated: some-rule" && event.at("ph") == "i" &&
             nanoseconds(event, "ts") == trace.event(50).time;
  }
  EXPECT_EQ(found, 1u);
}

}  // namespace
}  // namespace nodezero::runtime::inspect
