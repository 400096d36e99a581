// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/trace/trace_page.hpp"

#include <regex>
#include <utility>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "formats/printable_text.hpp"
#include "support/synthetic_trace.hpp"

namespace nodezero::apps {
namespace {

using nlohmann::json;
using runtime::trace::Trace;

/// What stands in the page's element for data.
std::string data_of(const std::string& page) {
  const std::string opening = "<script type=\"application/json\" id=\"trace-data\">";
  const auto begin = page.find(opening) + opening.size();
  return page.substr(begin, page.find("</script>", begin) - begin);
}

/// The numbers of a column, read by the description in trace_page_data.hpp.
std::vector<std::uint64_t> numbers_of(const json& data, const char* column) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::vector<std::uint64_t> numbers;
  std::uint32_t bits = 0;
  int bit_count = 0;
  std::uint64_t number = 0;
  int shift = 0;
  for (const char digit : data.at("columns").at(column).get<std::string>()) {
    if (digit == '=') {
      break;
    }
    bits = bits << 6 | static_cast<std::uint32_t>(digits.find(digit));
    bit_count += 6;
    if (bit_count < 8) {
      continue;
    }
    bit_count -= 8;
    const std::uint32_t byte = bits >> bit_count & 0xff;
    number |= std::uint64_t{byte & 0x7f} << shift;
    shift += 7;
    if (byte < 0x80) {
      numbers.push_back(std::exchange(number, 0));
      shift = 0;
    }
  }
  return numbers;
}

TEST(TracePage, HoldsAllEventsOfTheTrace) {
  Trace trace = synthetic_trace(3'000);
  trace.events[5].time += 5000;  // clocks of threads differ: the next event is earlier
  trace.words.at(1) = 0xfedc'ba98'7654'3210;
  const json data = json::parse(data_of(trace_page(trace, {})));
  ASSERT_EQ(data.at("events"), trace.events.size());
  EXPECT_EQ(data.at("messages"), trace.messages.size());

  const auto time = numbers_of(data, "time"), kind = numbers_of(data, "kind"),
             actor = numbers_of(data, "actor"), peer = numbers_of(data, "peer"),
             type = numbers_of(data, "type"), message = numbers_of(data, "message"),
             handling = numbers_of(data, "handling"), thread = numbers_of(data, "thread"),
             word_count = numbers_of(data, "word_count"), words = numbers_of(data, "words"),
             request = numbers_of(data, "request");
  ASSERT_EQ(time.size(), trace.events.size());
  ASSERT_EQ(request.size(), trace.messages.size());
  ASSERT_EQ(data.at("words"), words.size());
  std::int64_t now = 0;
  std::size_t word = 0;
  for (std::size_t i = 0; i < trace.events.size(); ++i) {
    const auto& event = trace.events[i];
    now += static_cast<std::int64_t>(time[i] >> 1) ^ -static_cast<std::int64_t>(time[i] & 1);
    EXPECT_EQ(now, event.time) << i;
    EXPECT_EQ(kind[i], static_cast<std::uint64_t>(event.kind)) << i;
    EXPECT_EQ(actor[i], event.actor) << i;
    EXPECT_EQ(peer[i], event.peer) << i;
    EXPECT_EQ(type[i], event.type) << i;
    EXPECT_EQ(message[i], event.life) << i;
    EXPECT_EQ(handling[i] == 0 ? 0 : i + 1 - handling[i], event.handling) << i;
    EXPECT_EQ(thread[i], event.thread) << i;
    ASSERT_EQ(word_count[i], event.word_count) << i;
    for (std::size_t k = 0; k < event.word_count; ++k) {
      EXPECT_EQ(words.at(word++), trace.words[event.first_word + k]) << i;
    }
  }
  EXPECT_EQ(word, words.size());
  ASSERT_EQ(data.at("actors").size(), trace.actors.size());
  EXPECT_EQ(data["actors"][8], json({"control", 1, 2, 8, 0}));
}

TEST(TracePage, NoNameEndsTheScriptThatHoldsIt) {
  Trace trace = synthetic_trace(10);
  const std::string name = "</script><img src=x onerror=alert(1)><!--\"'&\u2028";
  trace.names[1].text = name;
  trace.actors[1].name = name;
  trace.about[name] = name;
  const std::vector<runtime::inspect::Violation> violations = {{name, 1, 2, name}};
  const std::string page = trace_page(trace, violations, {{name, name}});
  const std::string data = data_of(page);
  EXPECT_EQ(data.find('<'), std::string::npos);
  const json parsed = json::parse(data);
  EXPECT_EQ(parsed["names"][1][0], name);
  EXPECT_EQ(parsed["actors"][1][0], name);
  // What a trace says about itself is shown with its control characters escaped.
  const std::string shown = formats::escaped_name(name);
  EXPECT_EQ(parsed["about"][shown], shown);
  EXPECT_EQ(parsed["violations"][0]["what"], name);
  EXPECT_EQ(parsed["phrases"][name], name);
}

TEST(TracePage, NamesMayHaveBytesThatAreNoText) {
  Trace trace = synthetic_trace(10);
  trace.names[1].text = "a\xff\xc3z";
  EXPECT_EQ(json::parse(data_of(trace_page(trace, {})))["names"][1][0], "a\ufffd\ufffdz");
}

TEST(TracePage, ListsViolationsByEventsThatThereAre) {
  const Trace trace = synthetic_trace(10);
  const auto last = static_cast<std::uint32_t>(trace.events.size());
  const std::vector<runtime::inspect::Violation> violations = {
      {"a-rule", 3, last, "What went wrong"}, {"another", 0, last + 1, "An event is missing"}};
  const json listed = json::parse(data_of(trace_page(trace, violations)))["violations"];
  ASSERT_EQ(listed.size(), 2U);
  EXPECT_EQ(listed[0],
            json({{"rule", "a-rule"}, {"what", "What went wrong"}, {"events", {3, last}}}));
  EXPECT_EQ(listed[1]["events"], json::array());
}

TEST(TracePage, SaysHowFarTheTraceIsComplete) {
  Trace trace = synthetic_trace(10);
  trace.completeness = {.lost_records = 7, .ring = true, .cut_off = false};
  const json data = json::parse(data_of(trace_page(trace, {})));
  EXPECT_EQ(data["completeness"], json({{"lost_records", 7}, {"ring", true}, {"cut_off", false}}));
}

TEST(TracePage, IsOneFileThatAsksForNoOther) {
  const std::string page = trace_page(synthetic_trace(10), {});
  for (const char* reference : {"http:", "https:", "src=", "href=", "url(", "@import", "fetch(",
                                "XMLHttpRequest", "WebSocket"}) {
    EXPECT_EQ(page.find(reference), std::string::npos) << reference;
  }
  EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
}

TEST(TracePage, ItsModulesShareOneScript) {
  const std::string page = trace_page(synthetic_trace(10), {});
  EXPECT_FALSE(std::regex_search(page, std::regex("(^|\n)(import|export) ")));
  EXPECT_EQ(page.find(" from './"), std::string::npos);
  for (const char* mark : {"@STYLE@", "@SCRIPT@", "@TRACE_DATA@"}) {
    EXPECT_EQ(page.find(mark), std::string::npos) << mark;
  }
  EXPECT_NE(page.find("\nbegin();\n"), std::string::npos);
}

TEST(TracePage, AnEmptyTraceHasAPage) {
  const json data = json::parse(data_of(trace_page(Trace{}, {})));
  EXPECT_EQ(data["events"], 0);
  EXPECT_EQ(data["columns"]["time"], "");
}

}  // namespace
}  // namespace nodezero::apps
