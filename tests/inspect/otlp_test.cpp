// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/inspect/otlp.hpp"

#include <map>
#include <numeric>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/trace_builder.hpp"

namespace nodezero::runtime::inspect {
namespace {

using nlohmann::json;

/// The objects of the file, one a line.
std::vector<json> exported(const Trace& trace) {
  std::vector<EventNumber> all(trace.events.size());
  std::iota(all.begin(), all.end(), 1);
  std::string text;
  TextOutput out(text);
  write_otlp(trace, Handlings(trace), all, out);
  out.flush();
  std::vector<json> lines;
  std::istringstream file(text);
  for (std::string line; std::getline(file, line);) {
    lines.push_back(json::parse(line));
  }
  return lines;
}

std::vector<json> spans_of(const std::vector<json>& file) {
  std::vector<json> all;
  for (const auto& line : file) {
    const auto& spans = line.at("resourceSpans").at(0).at("scopeSpans").at(0).at("spans");
    EXPECT_LE(spans.size(), 500u);
    all.insert(all.end(), spans.begin(), spans.end());
  }
  return all;
}

bool is_hex(const json& value, std::size_t digits) {
  static const std::regex shape("[0-9a-f]+");
  const auto text = value.get<std::string>();
  return text.size() == digits && std::regex_match(text, shape) &&
         text.find_first_not_of('0') != std::string::npos;
}

bool is_number_as_string(const json& value) {
  static const std::regex shape("-?[0-9]+");
  return value.is_string() && std::regex_match(value.get<std::string>(), shape);
}

/// By the rules of OTLP's JSON: ids in hex, 64-bit numbers as strings, parents in the same trace.
void validate(const std::vector<json>& file) {
  std::set<std::pair<std::string, std::string>> ids;
  for (const auto& span : spans_of(file)) {
    ASSERT_TRUE(is_hex(span.at("traceId"), 32)) << span;
    ASSERT_TRUE(is_hex(span.at("spanId"), 16)) << span;
    ASSERT_TRUE(ids.emplace(span.at("traceId"), span.at("spanId")).second) << span;
    ASSERT_FALSE(span.at("name").get<std::string>().empty());
    ASSERT_TRUE(span.at("kind").is_number_integer());
    ASSERT_TRUE(is_number_as_string(span.at("startTimeUnixNano")));
    ASSERT_TRUE(is_number_as_string(span.at("endTimeUnixNano")));
    ASSERT_LE(std::stoll(span.at("startTimeUnixNano").get<std::string>()),
              std::stoll(span.at("endTimeUnixNano").get<std::string>()));
    for (const auto& attribute : span.at("attributes")) {
      const auto& value = attribute.at("value");
      ASSERT_EQ(value.size(), 1u);
      ASSERT_TRUE(value.contains("stringValue") || is_number_as_string(value.at("intValue")));
    }
  }
  for (const auto& span : spans_of(file)) {
    if (span.contains("parentSpanId")) {
      ASSERT_TRUE(ids.contains({span.at("traceId"), span.at("parentSpanId")})) << span;
    }
    for (const auto& link : span.at("links")) {
      ASSERT_TRUE(ids.contains({link.at("traceId"), link.at("spanId")})) << span;
    }
  }
}

TEST(Otlp, IsValidForRandomTraces) {
  for (std::uint32_t seed = 1; seed <= 5; ++seed) {
    const Trace trace = testing::random_trace(seed, 6, 2000);
    const auto file = exported(trace);
    EXPECT_EQ(spans_of(file).size(), Handlings(trace).size());
    ASSERT_NO_FATAL_FAILURE(validate(file));
  }
}

TEST(Otlp, HasATraceAnEpochAndLinksForFanIn) {
  testing::TraceBuilder builder;
  for (const auto* type : {"start", "part", "sum"}) {
    builder.fields(type, {"epoch"});
  }
  const auto root = builder.spawn("root");
  const auto left = builder.spawn("left");
  const auto right = builder.spawn("right");
  const auto run = [&](std::uint64_t epoch) {
    const auto to_left = builder.send(0, left, "start", {epoch});
    const auto to_right = builder.send(0, right, "start", {epoch});
    builder.begin(to_left);
    const auto first = builder.send(left, root, "part", {epoch});
    builder.end(to_left);
    builder.begin(to_right);
    const auto second = builder.send(right, root, "part", {epoch});
    builder.end(to_right);
    builder.begin(first);
    builder.end(first);
    builder.begin(second);
    builder.send(root, 0, "sum", {epoch});
    builder.end(second);
  };
  run(0);
  run(1);
  const auto file = exported(builder.build());
  ASSERT_NO_FATAL_FAILURE(validate(file));
  std::set<std::string> traces;
  std::size_t linked = 0;
  for (const auto& span : spans_of(file)) {
    traces.insert(span.at("traceId"));
    EXPECT_EQ(span.contains("parentSpanId"), span.at("name") == "part");
    linked += !span.at("links").empty();
  }
  EXPECT_EQ(traces.size(), 2u);
  EXPECT_EQ(linked, 2u);  // the second part of each epoch, to the first
}

TEST(Otlp, CountsTimesFrom1970AndSharesNoTraceIdWithAnotherRun) {
  Trace one = testing::random_trace(1, 4, 300);
  one.about = {{"run", "7"}, {"started_unix_ns", "1700000000000000000"}};
  Trace two = one;
  two.about["started_unix_ns"] = "1700000000000000001";
  Trace silent = one, later = one;
  silent.about = later.about = {};
  for (auto& event : later.events) {
    event.time += 1;
  }
  std::set<std::string> ids;
  std::size_t epochs = 0;
  for (const auto* trace : {&one, &two, &silent, &later}) {
    std::set<std::string> own;
    for (const auto& span : spans_of(exported(*trace))) {
      own.insert(span.at("traceId"));
    }
    epochs += own.size();
    ids.merge(own);
  }
  EXPECT_EQ(ids.size(), epochs);
  const auto first = spans_of(exported(one)).at(0).at("startTimeUnixNano").get<std::string>();
  EXPECT_EQ(first.substr(0, 10), "1700000000");
  EXPECT_EQ(start_since_1970(one), 1'700'000'000'000'000'000);
  for (const auto* wrong : {"", "-5", "now", "99999999999999999999", "9223372036854775807"}) {
    one.about["started_unix_ns"] = wrong;
    EXPECT_EQ(start_since_1970(one), std::nullopt) << wrong;
  }
}

}  // namespace
}  // namespace nodezero::runtime::inspect
