// SPDX-License-Identifier: BSD-3-Clause

// One run on one, two and three machines, as processes on this one: what their traces say together.

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>

#include <gtest/gtest.h>

#include "actors/laws/run_difference.hpp"
#include "actors/laws/trace_rules.hpp"
#include "program/support/program.hpp"
#include "runtime/trace/trace_file.hpp"
#include "support/trace_editor.hpp"

namespace nodezero::test {
namespace {

namespace fs = std::filesystem;
using actors::testing::TraceEditor;
using runtime::trace::Kind;
using runtime::trace::Trace;
using Words = std::vector<std::string>;

/// The runs take half a second each: one test asks all there is to ask of them.
class Traces : public ::testing::Test {
 protected:
  void SetUp() override {
    write_text(folder_, "text.txt", 20'000);
    std::ofstream(folder_ / "run.secret") << run(folder_, {"secret"}).out;
    fs::permissions(folder_ / "run.secret", fs::perms::owner_read | fs::perms::owner_write);
    train(-1);
    for (const int hosts : {0, 1, 2}) {
      train(hosts);
    }
  }
  static std::string name_of(int hosts) { return hosts < 0 ? "alone" : std::to_string(hosts); }

  /// A run that waits for so many hosts, and its trace as N.nztrace. With -1 it does not listen.
  void train(int hosts) {
    const std::string name = name_of(hosts);
    Words more{"--width", "64",      "--layers", "2",       "--micro-batches",
               "7",       "--steps", "3",        "--trace", name + ".root.nztrace"};
    if (hosts >= 0) {
      more.insert(more.end(), {"--listen", "127.0.0.1:0", "--secret", "run.secret", "--hosts",
                               std::to_string(hosts)});
    }
    Words merge{"trace", "merge", name + ".root.nztrace"};
    Program root(folder_, tiny_training(name, more));
    std::vector<std::unique_ptr<Program>> others;
    for (int i = 0; i < hosts; ++i) {
      ASSERT_TRUE(i > 0 || root.wait_for("hosts can connect to"));
      const std::string host = "host-" + std::to_string(i);
      fs::create_directory(folder_ / (name + ".traces"));
      others.push_back(std::make_unique<Program>(
          folder_, Words{"host", "--connect", name, "--secret", "run.secret", "--name", host,
                         "--threads", "1", "--trace", name + ".traces"}));
      merge.push_back(name + ".traces/" + host + ".nztrace");
    }
    const auto ended = root.wait();
    ASSERT_EQ(ended.exit_code, 0) << ended.out << ended.err;
    for (auto& other : others) {
      const auto host = other->wait();
      ASSERT_EQ(host.exit_code, 0) << host.out << host.err;
    }
    if (hosts < 0) {
      fs::rename(folder_ / (name + ".root.nztrace"), folder_ / (name + ".nztrace"));
      return;
    }
    merge.insert(merge.end(), {"--out", name + ".nztrace"});
    const auto merged = run(folder_, merge);
    ASSERT_EQ(merged.exit_code, 0) << merged.err;
    ASSERT_EQ(merged.err, "");
  }

  Ended ask(Words question) {
    question.insert(question.begin(), "trace");
    return run(folder_, question);
  }
  Trace trace_of(int hosts) {
    return runtime::trace::read_trace(folder_ / (name_of(hosts) + ".nztrace")).value();
  }
  /// How it differs from the run on one machine.
  std::string difference(const Trace& trace) {
    const auto found = actors::compare(trace_of(-1), trace).differences;
    return found.empty() ? "" : found.front().sentence;
  }

  void have_each_message_between_machines_sent_and_handled();
  void keep_the_rules_and_answer_all_questions();
  void leave_free_on_which_machines_a_run_happens();
  void show_faults_of_a_host();
  void are_refused_if_they_cannot_be_merged();

  Folder folder_;
};

void Traces::have_each_message_between_machines_sent_and_handled() {
  const Trace all = trace_of(2);
  EXPECT_EQ(all.about.at("machines"), "root, host-0, host-1");
  std::map<std::string, int> crossed;
  for (const auto& message : all.messages) {
    if (message.begun == 0 || message.sent == 0) {
      continue;
    }
    const auto machine = [&](std::uint32_t event) {
      const auto name = all.actor_name(all.event(event).actor);
      return name.substr(0, name.find('/'));
    };
    if (machine(message.sent) != machine(message.begun)) {
      EXPECT_LT(message.sent, message.begun);
      ++crossed[std::string(all.name(all.event(message.begun).type))];
    }
  }
  // A plan and a commit for each host in each of 3 steps, and its word that it has the sum.
  EXPECT_EQ(crossed["plan"], 6);
  EXPECT_EQ(crossed["gathered"], 6);
  EXPECT_EQ(crossed["commit"], 6);
  EXPECT_EQ(crossed["join"], 2);
  EXPECT_GT(crossed["part"], 0);
  EXPECT_GT(crossed["sum"], 0);
}

void Traces::keep_the_rules_and_answer_all_questions() {
  for (const int hosts : {0, 1, 2}) {
    const auto check = ask({"check", name_of(hosts) + ".nztrace"});
    EXPECT_EQ(check.exit_code, 0) << hosts << check.out;
  }
  const Trace all = trace_of(2);
  EXPECT_EQ(ask({"summary", "2.nztrace"}).exit_code, 0);
  EXPECT_EQ(ask({"why", "2.nztrace", std::to_string(all.events.size())}).exit_code, 0);
  EXPECT_NE(ask({"export", "2.nztrace", "--format", "html"}).out.find("machine host-1"),
            std::string::npos);
  EXPECT_NE(ask({"show", "2.nztrace", "--type", "commit"}).out.find("host-1/exchange"),
            std::string::npos);
  // One machine's alone is a trace like any other.
  EXPECT_EQ(ask({"check", "2.traces/host-1.nztrace"}).exit_code, 0);
}

void Traces::leave_free_on_which_machines_a_run_happens() {
  for (const int hosts : {0, 1, 2}) {
    const auto diff = ask({"diff", "alone.nztrace", name_of(hosts) + ".nztrace"});
    EXPECT_EQ(diff.exit_code, 0) << hosts << diff.out;
  }
  EXPECT_EQ(difference(trace_of(2)), "");
}

void Traces::show_faults_of_a_host() {
  const auto on_host = [](const TraceEditor& editor) {
    return [&editor](const runtime::trace::Event& event) {
      return editor.trace().actor_name(event.actor).starts_with("host-");
    };
  };
  {
    TraceEditor editor(trace_of(2));
    const auto applied = editor.find(Kind::send, "optimizer_complete", 2, on_host(editor));
    editor.set_number(applied, "version", editor.number(applied, "version") + 1);
    EXPECT_NE(difference(editor.trace()), "");
    const auto verdict = actors::check_trace(editor.trace());
    ASSERT_FALSE(verdict.violations.empty());
    EXPECT_EQ(verdict.violations.front().rule, "versions-rise-by-one");
  }
  {
    TraceEditor editor(trace_of(2));
    editor.erase({editor.find(Kind::send, "computed", 1, on_host(editor))});
    EXPECT_NE(difference(editor.trace()), "");
  }
  {  // It applies before the machines have added: at the step's plan.
    TraceEditor editor(trace_of(2));
    const auto plan = editor.find(Kind::begin, "plan", 1, on_host(editor));
    const auto exchange = editor.trace().event(plan).actor;
    const auto apply = editor.find(Kind::send, "apply", 1, [&](const runtime::trace::Event& event) {
      return event.actor == exchange;
    });
    editor.move_before(apply, plan + 1);
    EXPECT_NE(difference(editor.trace()), "");
  }
}

void Traces::are_refused_if_they_cannot_be_merged() {
  const auto refused = [this](const Words& files, const std::string& why) {
    auto question = files;
    question.insert(question.begin(), "merge");
    const auto ended = ask(question);
    EXPECT_EQ(ended.exit_code, 2);
    EXPECT_NE(ended.err.find(why), std::string::npos) << ended.err;
  };
  refused({"alone.nztrace", "--out", "more.nztrace"}, "which machine");
  refused({"2.nztrace", "2.traces/host-0.nztrace", "--out", "more.nztrace"}, "several machines");
  refused({"2.root.nztrace", "2.root.nztrace", "--out", "more.nztrace"}, "same process");
  refused({"2.root.nztrace", "--out", "2.root.nztrace"}, "would be overwritten");
  refused({"2.root.nztrace", "--out", "text.txt"}, "not a trace");
  EXPECT_FALSE(fs::exists(folder_ / "more.nztrace"));
  const auto replayed = run(folder_, {"replay", "2.nztrace"});
  EXPECT_EQ(replayed.exit_code, 2);
  EXPECT_NE(replayed.err.find("several machines"), std::string::npos) << replayed.err;
}

TEST_F(Traces, OfSeveralMachinesAreOne) {
  have_each_message_between_machines_sent_and_handled();
  keep_the_rules_and_answer_all_questions();
  leave_free_on_which_machines_a_run_happens();
  show_faults_of_a_host();
  are_refused_if_they_cannot_be_merged();
}

}  // namespace
}  // namespace nodezero::test
