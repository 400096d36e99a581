// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/inspect/json_lines.hpp"

#include <fstream>
#include <iterator>
#include <numeric>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "runtime/trace/trace_file.hpp"
#include "support/trace_builder.hpp"

namespace nodezero::runtime::inspect {
namespace {

std::string exported(const Trace& trace) {
  std::vector<EventNumber> all(trace.events.size());
  std::iota(all.begin(), all.end(), 1);
  std::string text;
  TextOutput out(text);
  write_json_lines(trace, all, out);
  out.flush();
  return text;
}

std::string bytes_of(const Trace& trace) {
  const auto path = std::string(::testing::TempDir()) +
                    ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".nztrace";
  const auto written = trace::write_trace(trace, path);
  EXPECT_TRUE(written) << written.error().message;
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::remove(path.c_str());
  return bytes;
}

TEST(JsonLines, GiveTheSameTraceFileBack) {
  for (std::uint32_t seed = 1; seed <= 3; ++seed) {
    Trace trace = testing::random_trace(seed, 6, 3000);
    trace.about = {{"program", "a \"test\"\n"}, {"host", "h\u00f6st"}};
    trace.completeness = {seed - 1, seed == 2, seed == 3};
    trace.names[1].fields.push_back({"loss", trace::FieldKind::real});
    trace.words[0] = 0x7ff8000000000001;  // a NaN, and large: all bits count
    std::istringstream lines(exported(trace));
    const auto back = read_json_lines(lines);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(bytes_of(*back), bytes_of(trace));
    EXPECT_EQ(exported(*back), exported(trace));
  }
}

TEST(JsonLines, EachLineIsAnObject) {
  const Trace trace = testing::random_trace(1, 4, 200);
  std::istringstream lines(exported(trace));
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(nlohmann::json::parse(line).at("nodezero_trace"), 1);
  EventNumber number = 0;
  while (std::getline(lines, line)) {
    const auto event = nlohmann::json::parse(line);
    EXPECT_EQ(event.at("event"), ++number);
    EXPECT_EQ(event.at("name"), trace.name(trace.event(number).type));
  }
  EXPECT_EQ(number, trace.events.size());
}

TEST(JsonLines, NamesTheLineThatIsWrong) {
  const auto error = [](const std::string& text) {
    std::istringstream lines(text);
    return read_json_lines(lines).error().message;
  };
  const auto good = exported(testing::random_trace(1, 4, 50));
  const auto second = good.find('\n') + 1;
  EXPECT_EQ(error(""), "the file is empty");
  EXPECT_EQ(error("[]\n"), "line 1 is wrong: not JSON lines of a trace, or of a newer version");
  EXPECT_EQ(error(good.substr(0, second) + "{\"event\":1").substr(0, 15), "line 2 is wrong");
  auto unknown = good;
  unknown.replace(unknown.find("\"kind\":\"spawn\""), 14, "\"kind\":\"spwan\"");
  EXPECT_EQ(error(unknown), "line 2 is wrong: an event has an unknown kind");
}

TEST(JsonLines, BelieveNoNumberThatCannotBe) {
  const auto lines = exported(testing::random_trace(1, 4, 50));
  const auto head_end = lines.find('\n') + 1;
  const auto head = nlohmann::json::parse(lines.substr(0, head_end));
  const auto send = lines.find(R"("kind":"send")");
  const auto from = lines.rfind('\n', send) + 1;
  const auto event = nlohmann::json::parse(lines.substr(from, lines.find('\n', from) - from));
  const auto refusal = [&](const char* key, const nlohmann::json& value) {
    auto changed = event;
    changed[key] = value;
    std::istringstream text(head.dump() + '\n' + changed.dump() + '\n');
    const auto read = read_json_lines(text);
    return read ? std::string() : read.error().message;
  };
  EXPECT_EQ(refusal("message", event["message"]), "");
  EXPECT_NE(refusal("message", 0), "");
  EXPECT_NE(refusal("message", -1), "");
  EXPECT_NE(refusal("peer", head["actors"].size()), "");
  EXPECT_NE(refusal("actor", head["actors"].size()), "");
  EXPECT_NE(refusal("type", head["names"].size()), "");
  EXPECT_NE(refusal("thread", trace::most_threads), "");
  EXPECT_NE(refusal("time_ns", 1e300), "");
  EXPECT_EQ(refusal("words", {18446744073709551615u}), "");
  EXPECT_EQ(refusal("words", {18446744073709551616.0}),
            "line 2 is wrong: 'words' is 1.8446744073709552e+19, not a whole number from 0 to "
            "18446744073709551615");
  auto cycle = head;
  cycle["actors"][1]["parent"] = 2;
  std::istringstream text(cycle.dump());
  EXPECT_EQ(read_json_lines(text).error().message,
            "line 1 is wrong: an actor is spawned by one that comes after it");
}

}  // namespace
}  // namespace nodezero::runtime::inspect
