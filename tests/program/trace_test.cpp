// SPDX-License-Identifier: BSD-3-Clause

// nodezero trace on a small trace that is made from JSON lines.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/program.hpp"

namespace nodezero::test {
namespace {

/// The driver is told by node_zero that epoch 0 is done: `times` times, after the optimizer has
/// completed its step.
std::string small_trace(int times) {
  std::string lines =
      R"({"nodezero_trace":1,"about":{},"completeness":{"lost_records":0,"ring":false,)"
      R"("cut_off":false},"actors":[{"name":"","number":4294967295,"parent":0},)"
      R"({"name":"driver","number":4294967295,"parent":0},)"
      R"({"name":"node_zero","number":0,"parent":0},)"
      R"({"name":"optimizer","number":4294967295,"parent":0}],"names":[{"text":"","fields":[]},)"
      R"({"text":"driver","fields":[]},{"text":"node_zero","fields":[]},)"
      R"({"text":"optimizer","fields":[]},)"
      R"({"text":"optimizer_complete","fields":[["epoch","number"],["step","number"],)"
      R"(["version","number"]]},{"text":"epoch_done","fields":[["epoch","number"],)"
      R"(["step","number"],["version","number"]]}]})"
      "\n";
  int time = 0;
  const auto add = [&](const char* kind, int actor, int peer, int type, int message,
                       const char* words) {
    ++time;
    lines += nlohmann::json{{"event", time},
                            {"time_ns", time * 1000},
                            {"kind", kind},
                            {"actor", actor},
                            {"peer", peer},
                            {"type", type},
                            {"message", message},
                            {"detail", 0},
                            {"argument", type == 2  ? 0u
                                         : type < 4 ? 4294967295u
                                                    : 0u},
                            {"thread", 0},
                            {"words", nlohmann::json::parse(words)}}
                 .dump() +
             "\n";
  };
  for (int actor = 1; actor <= 3; ++actor) {
    add("spawn", actor, 0, actor, 0, "[]");
  }
  add("send", 3, 2, 4, 1, "[0,0,1]");
  add("begin", 2, 3, 4, 1, "[]");
  for (int i = 0; i < times; ++i) {
    add("send", 2, 1, 5, 2 + i, "[0,0,1]");
  }
  add("end", 2, 3, 4, 1, "[]");
  return lines;
}

class TraceCommand : public testing::Test {
 protected:
  void SetUp() override {
    write("good.jsonl", small_trace(1));
    write("bad.jsonl", small_trace(2));
    import("good");
    import("bad");
  }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  std::string read(const std::string& name) const {
    std::ifstream file(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void import(const std::string& name) {
    const auto ended = trace({"import", name + ".jsonl", name + ".trace"});
    ASSERT_EQ(ended.exit_code, 0) << ended.err;
  }
  Ended trace(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "trace");
    return run(folder_, arguments);
  }
  void expect_refused(const std::vector<std::string>& arguments, const std::string& says) const {
    const auto ended = trace(arguments);
    EXPECT_EQ(ended.exit_code, 2) << says;
    EXPECT_EQ(ended.out, "") << says;
    EXPECT_TRUE(ended.err.starts_with("nodezero: error: ")) << ended.err;
    EXPECT_EQ(std::count(ended.err.begin(), ended.err.end(), '\n'), 1) << ended.err;
    EXPECT_NE(ended.err.find(says), std::string::npos) << ended.err;
  }

  Folder folder_;
};

TEST_F(TraceCommand, ChecksTheRules) {
  const auto good = trace({"check", "good.trace"});
  EXPECT_EQ(good.exit_code, 0) << good.out;
  EXPECT_EQ(good.out, "9 of 9 rules hold in 7 events\n");
  const auto bad = trace({"check", "bad.trace"});
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_EQ(bad.err, "");
  EXPECT_TRUE(
      bad.out.starts_with("violated: epoch-done-once\n  rule: An epoch is answered with "
                          "epoch_done at most once\n  found: epoch 0 was answered with "
                          "epoch_done twice\n"))
      << bad.out;
  EXPECT_NE(bad.out.find("told driver that epoch 0 is done"), std::string::npos);
  EXPECT_NE(bad.out.find("1 violation in 8 events\n"), std::string::npos);
}

TEST_F(TraceCommand, SaysWhyAnEventHappened) {
  const auto why = trace({"why", "good.trace", "6"});
  EXPECT_EQ(why.exit_code, 0);
  EXPECT_EQ(why.out,
            "event 6: node_zero 0 told driver that epoch 0 is done, with step 0 and version 1, at "
            "6.00 us\n  because event 4: optimizer told node_zero 0 that step 0 is complete as "
            "version 1 [taken up in event 5, 1.00 us later]\n"
            "  because event 3: outside spawned optimizer\n");
  const auto json = trace({"why", "good.trace", "6", "--json"});
  EXPECT_EQ(nlohmann::json::parse(json.out).at("reasons").at(0).at("event"), 4);
  const auto mermaid = trace({"why", "good.trace", "6", "--mermaid"});
  EXPECT_TRUE(mermaid.out.starts_with("sequenceDiagram\n"));
}

TEST_F(TraceCommand, ShowsSummarisesAsksAndCompares) {
  const auto shown = trace({"show", "good.trace", "--actor", "driver", "--type", "epoch_done"});
  EXPECT_EQ(std::count(shown.out.begin(), shown.out.end(), '\n'), 1) << shown.out;
  EXPECT_TRUE(trace({"summary", "good.trace"}).out.starts_with("7 events, 2 messages, 3 actors"));
  EXPECT_EQ(trace({"sql", "good.trace", "SELECT count(*) AS n FROM events"}).out, "n\n7\n");
  EXPECT_EQ(trace({"diff", "good.trace", "good.trace"}).exit_code, 0);
  const auto other = trace({"diff", "good.trace", "bad.trace"});
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_TRUE(other.out.starts_with(
      "the runs part here: in B, epoch 0 was answered with epoch_done after step 0 a second time "
      "(event 7), but not in A"))
      << other.out;
  EXPECT_NE(other.out.find("because 4: optimizer told"), std::string::npos) << other.out;
}

TEST_F(TraceCommand, ExportsEachFormatToAFileAndToStandardOutput) {
  for (const std::string format : {"chrome", "shiviz", "otlp", "jsonl", "sqlite", "html"}) {
    const auto printed = trace({"export", "good.trace", "--format", format});
    EXPECT_EQ(printed.exit_code, 0) << printed.err;
    const auto written = trace({"export", "good.trace", "--format", format, "--out", "export"});
    EXPECT_EQ(written.exit_code, 0) << written.err;
    EXPECT_EQ(written.out, "");
    EXPECT_FALSE(printed.out.empty()) << format;
    EXPECT_EQ(read("export"), printed.out) << format;
  }
  const auto some = trace({"export", "good.trace", "--format", "jsonl", "--between", "4", "5"});
  EXPECT_EQ(std::count(some.out.begin(), some.out.end(), '\n'), 3) << some.out;
  EXPECT_EQ(trace({"export", "good.trace", "--format", "mermaid", "--event", "6"}).exit_code, 0);
}

TEST_F(TraceCommand, JsonLinesGiveTheSameFileBack) {
  const auto lines = trace({"export", "good.trace", "--format", "jsonl", "--out", "back.jsonl"});
  ASSERT_EQ(lines.exit_code, 0);
  import("back");
  EXPECT_EQ(read("back.trace"), read("good.trace"));
}

TEST_F(TraceCommand, OverwritesNothingThatItReads) {
  const auto good = read("good.trace");
  std::filesystem::create_symlink("good.trace", folder_ / "link");
  for (const std::string format : {"jsonl", "html", "chrome", "sqlite"}) {
    for (const std::string out : {"good.trace", "./good.trace", "link"}) {
      expect_refused({"export", "good.trace", "--format", format, "--out", out},
                     "is what is read and would be overwritten");
    }
  }
  expect_refused({"import", "good.jsonl", "good.jsonl"}, "would be overwritten");
  EXPECT_EQ(read("good.trace"), good);
  EXPECT_EQ(read("good.jsonl"), small_trace(1));
}

TEST_F(TraceCommand, AFileThatWasCutOffIsReadAsFarAsItGoesAndSaysSo) {
  const auto whole = read("good.trace");
  write("cut.trace", whole.substr(0, whole.size() - 10));
  const auto ended = trace({"check", "cut.trace"});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.err, "nodezero: this trace is incomplete: the file ends before the run did\n");
}

TEST_F(TraceCommand, RefusesBadInputWithOneLine) {
  auto newer = read("good.trace");
  newer[8] = 99;
  write("newer.trace", newer);
  write("text.trace", "These are my notes.\n");
  write("short.trace", newer.substr(0, 5));
  write("empty.trace", "");
  write("none.jsonl", small_trace(1).substr(0, small_trace(1).find('\n') + 1));
  import("none");
  const std::string show = "show";
  expect_refused({show, "nothing.trace"}, "the trace nothing.trace cannot be read");
  expect_refused({show, "text.trace"}, "text.trace is not a trace");
  expect_refused({show, "short.trace"}, "short.trace");
  expect_refused({show, "empty.trace"}, "empty.trace");
  expect_refused({show, "newer.trace"}, "newer");
  expect_refused({show, "none.trace"}, "none.trace has no events");
  expect_refused({show, "good.trace", "--actor", "nobody"}, "no actor 'nobody'");
  expect_refused({show, "good.trace", "--type", "nothing"}, "no message of type 'nothing'");
  expect_refused({show, "good.trace", "--between", "1", "99"}, "there is no event 99");
  expect_refused({"why", "good.trace", "99"}, "there is no event 99; the trace has events 1 to 7");
  expect_refused({"why", "good.trace", "0"}, "there is no event 0");
  expect_refused({"why", "good.trace", "two"}, "'two' is not the number of an event");
  expect_refused({"why", "good.trace", "cmpl-"}, "'cmpl-' is not the number of an event");
  expect_refused({"why", "good.trace", "cmpl-2a"}, "the trace has no tokens of cmpl-2a");
  expect_refused({"export", "good.trace", "--format", "png"}, "png");
  expect_refused({"export", "good.trace", "--format", "mermaid"}, "--event");
  expect_refused({"export", "good.trace", "--format", "jsonl", "--out", "no/folder/x"},
                 "cannot write no/folder/x");
  expect_refused({"import", "text.trace", "new.trace"}, "line 1 is wrong");
  expect_refused({"import", "nothing.jsonl", "new.trace"}, "cannot read nothing.jsonl");
  auto far_thread = small_trace(1);
  far_thread.replace(far_thread.rfind(R"("thread":0)"), 10, R"("thread":4294967295)");
  write("thread.jsonl", far_thread);
  expect_refused({"import", "thread.jsonl", "new.trace"}, "a thread that cannot be");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "new.trace"));
  // SQLite names what it cannot read.
  expect_refused({"sql", "good.trace", "SELEC"}, "SQL: near \"SELEC\": syntax error");
  expect_refused({"sql", "good.trace", "SELECT x FROM events"}, "no such column: x");
  expect_refused({"sql", "good.trace", "SELECT 1", "--most-steps", "-1"}, "--most-steps");
  expect_refused({"sql", "good.trace", "VACUUM INTO 'new.trace'"}, "SQL: ");
  expect_refused({"sql", "good.trace", "SELECT 1; SELECT 2"}, "more than one query");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "new.trace"));
}

TEST_F(TraceCommand, ShowsWhatNamesMayNotDo) {
  auto text = small_trace(2);
  const std::string evil = R"(\u001b]0;x\u0007\u009b31m</script><img src=x>\n\t\u202e)";
  for (const std::string name : {R"("text":"driver)", R"("text":"epoch_done)", R"(["version)"}) {
    for (auto at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) {
      text.insert(at + name.size(), evil);
    }
  }
  const std::string about = R"("about":{)";
  text.insert(text.find(about) + about.size(), R"("comm)" + evil + R"(and":"x)" + evil + R"(")");
  write("evil.jsonl", text);
  import("evil");
  std::vector<std::vector<std::string>> commands{
      {"show", "evil.trace"},
      {"check", "evil.trace"},
      {"summary", "evil.trace"},
      {"why", "evil.trace", "6"},
      {"follow", "evil.trace"},
      {"diff", "evil.trace", "good.trace"},
      {"sql", "evil.trace", "SELECT * FROM about, actors, events, messages"}};
  for (const std::string format : {"html", "chrome", "shiviz", "mermaid", "otlp", "jsonl"}) {
    commands.push_back({"export", "evil.trace", "--format", format});
    if (format == "mermaid") {
      commands.back().insert(commands.back().end(), {"--event", "7"});
    }
  }
  for (const auto& command : commands) {
    const auto ended = trace(command);
    const auto all = ended.out + ended.err;
    EXPECT_GE(ended.exit_code, 0) << command[0];
    EXPECT_TRUE(command[0] == "check" || all.find("x1B]0") != std::string::npos)
        << command[0] << " " << command.back() << ": " << all;
    for (const std::string bytes : {"\x1b", "\x07", "\xC2\x9B", "\xE2\x80\xAE", "</script><img"}) {
      const bool is_plain = bytes[0] == '<' && command.back() != "html";
      EXPECT_TRUE(is_plain || all.find(bytes) == std::string::npos)
          << command[0] << " " << command.back();
    }
  }
}

}  // namespace
}  // namespace nodezero::test
