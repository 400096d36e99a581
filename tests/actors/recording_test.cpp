// SPDX-License-Identifier: BSD-3-Clause
#include <atomic>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "actors/laws/trace_catalogue.hpp"
#include "runtime/trace/trace_file.hpp"
#include "support/failing_model.hpp"
#include "support/stage.hpp"
#include "support/tiny_run.hpp"

namespace nodezero::actors::testing {
namespace {

using runtime::trace::Event;
using runtime::trace::HandlingResult;
using runtime::trace::Kind;
using runtime::trace::Trace;
using TraceRecorder = runtime::trace::Recorder;

std::filesystem::path trace_path() {
  return std::filesystem::path(::testing::TempDir()) /
         (std::string("nodezero_") +
          ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".nztrace");
}

/// Records everything or fails: a recorder that waits instead of losing.
class RecordingTest : public ::testing::Test {
 protected:
  void start(TraceRecorder::Clock clock, std::chrono::milliseconds flush_interval) {
    auto made = TraceRecorder::make({.file = path_,
                                     .when_full = TraceRecorder::WhenFull::wait,
                                     .clock = clock,
                                     .flush_interval = flush_interval,
                                     .catalogue = trace_catalogue(),
                                     .about = {{"program", "test"}},
                                     .warn = {}});
    ASSERT_TRUE(made) << made.error().message;
    recorder_ = std::move(*made);
    settings_.recorder = recorder_.get();
  }
  void TearDown() override { std::filesystem::remove(path_); }

  Trace finish() {
    EXPECT_TRUE(recorder_->close());
    auto trace = runtime::trace::read_trace(path_);
    EXPECT_TRUE(trace) << trace.error().message;
    return trace ? std::move(*trace) : Trace{};
  }

  std::filesystem::path path_ = trace_path();
  RunSettings settings_ = tiny_settings();
  std::unique_ptr<TraceRecorder> recorder_;
};

/// Every send has exactly one handling or drop; nothing else is about a message that was never
/// sent. When all actors have ended nothing is pending.
void expect_complete(const Trace& trace) {
  EXPECT_TRUE(trace.completeness.complete());
  ASSERT_FALSE(trace.events.empty());
  std::map<std::uint64_t, std::vector<const Event*>> messages;
  for (const auto& event : trace.events) {
    if (event.message != 0) {
      messages[event.message].push_back(&event);
    }
  }
  for (const auto& [id, events] : messages) {
    ASSERT_EQ(events.front()->kind, Kind::send) << id;
    bool is_over = false;
    for (std::size_t i = 1; i < events.size(); ++i) {
      ASSERT_FALSE(is_over) << "message " << id << " goes on after its end";
      if (events[i]->kind == Kind::begin) {
        ASSERT_LT(i + 1, events.size()) << id;
        ++i;
        ASSERT_EQ(events[i]->kind, Kind::end) << id;
        is_over = events[i]->detail != static_cast<std::uint8_t>(HandlingResult::skipped);
      } else {
        ASSERT_EQ(events[i]->kind, Kind::drop) << id;
        is_over = true;
      }
    }
    ASSERT_TRUE(is_over) << trace.name(events.front()->type) << " to "
                         << trace.actor_name(events.front()->peer) << " is pending";
  }
}

std::size_t count(const Trace& trace, Kind kind, std::string_view name) {
  std::size_t found = 0;
  for (const auto& event : trace.events) {
    found += event.kind == kind && trace.name(event.type) == name;
  }
  return found;
}

TEST_F(RecordingTest, AWholeRunOnThreadsIsComplete) {
  start(TraceRecorder::Clock::processor, std::chrono::milliseconds(5));
  Recorder observer;
  const auto finished = run_to_end(settings_, observer);
  EXPECT_EQ(finished.result.end, TrainingResult::End::finished);
  const Trace trace = finish();
  expect_complete(trace);
  EXPECT_EQ(count(trace, Kind::send, "epoch_done"), 2u);
  EXPECT_EQ(count(trace, Kind::send, "optimizer_complete"), observer.steps.size());
  EXPECT_EQ(count(trace, Kind::send, "telemetry_step"), observer.steps.size());
  EXPECT_EQ(trace.about.at("program"), "test");
}

TEST_F(RecordingTest, ARunUnderTheTestingSchedulerIsComplete) {
  start(TraceRecorder::Clock::logical, std::chrono::milliseconds(0));
  {
    Stage stage(settings_);
    auto ended = stage.ask<run_ended>(stage.actors().driver, run_all{});
    stage.run();
    ASSERT_TRUE(ended.succeeded());
  }
  expect_complete(finish());
}

TEST_F(RecordingTest, EverySphereKnowsWhoSpawnedIt) {
  settings_.spheres = 5;
  settings_.symmetry = 2;
  start(TraceRecorder::Clock::logical, std::chrono::milliseconds(0));
  {
    Stage stage(settings_);
    auto ended = stage.ask<run_ended>(stage.actors().driver, run_all{});
    stage.run();
  }
  const Trace trace = finish();
  int workers = 0, controls = 0;
  for (const auto& actor : trace.actors) {
    if (actor.name == "worker" || actor.name == "control") {
      const std::string& parent = trace.actors.at(actor.parent).name;
      EXPECT_TRUE(parent == "control" || parent == "node_zero") << actor.name << " of " << parent;
      ++(actor.name == "worker" ? workers : controls);
    }
  }
  EXPECT_EQ(workers, 5);
  EXPECT_EQ(controls, 3);
}

TEST_F(RecordingTest, TheSameScheduleGivesTheSameBytes) {
  std::set<std::string> files;
  for (int i = 0; i < 2; ++i) {
    start(TraceRecorder::Clock::logical, std::chrono::milliseconds(0));
    {
      Stage stage(settings_);
      auto ended = stage.ask<run_ended>(stage.actors().driver, run_all{});
      stage.run();
    }
    finish();
    std::ifstream file(path_, std::ios::binary);
    files.emplace(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  EXPECT_EQ(files.size(), 1u);
}

TEST_F(RecordingTest, WeightsAreTheSameWithAndWithout) {
  const auto without = run_to_end(settings_);
  start(TraceRecorder::Clock::processor, std::chrono::milliseconds(5));
  const auto with = run_to_end(settings_);
  EXPECT_EQ(with.weights, without.weights);
  EXPECT_EQ(with.state, without.state);
}

TEST_F(RecordingTest, AStoppedRunIsComplete) {
  settings_.training.steps = 1'000'000;  // however late the observer hears of step 2
  start(TraceRecorder::Clock::processor, std::chrono::milliseconds(5));
  {
    Recorder observer;
    Trainer trainer(settings_, observer);
    observer.after_step = [&](const StepSummary& summary) {
      if (summary.step == 2) {
        trainer.stop();
      }
    };
    EXPECT_EQ(trainer.run().end, TrainingResult::End::stopped);
  }
  expect_complete(finish());
}

TEST_F(RecordingTest, SpheresThatDieLeaveNothingUntold) {
  start(TraceRecorder::Clock::processor, std::chrono::milliseconds(5));
  std::atomic<int> deaths = 0;
  settings_.trained = failing_model(settings_.training, [&](const Attempt& attempt) {
    const bool fails = attempt.failures == 0 && attempt.micro_batch == 3;
    deaths += fails;
    return !fails ? Failure::none : attempt.step % 2 == 0 ? Failure::not_finite : Failure::throws;
  });
  run_to_end(settings_);
  const Trace trace = finish();
  expect_complete(trace);
  EXPECT_GT(deaths, 1);
  std::size_t workers = 0;
  for (const auto& actor : trace.actors) {
    workers += actor.name == "worker";
  }
  EXPECT_EQ(workers, settings_.spheres + static_cast<std::size_t>(deaths));
}

TEST_F(RecordingTest, SpheresThatAreKilledLeaveNothingUntold) {
  settings_.spheres = 5;
  settings_.symmetry = 2;
  start(TraceRecorder::Clock::logical, std::chrono::milliseconds(0));
  {
    Stage stage(settings_);
    stage.kill_spheres(1, settings_.attempts);
    auto ended = stage.ask<run_ended>(stage.actors().driver, run_all{});
    stage.run();
    ASSERT_TRUE(ended.succeeded());
    EXPECT_EQ(stage.killed(), settings_.attempts);
  }
  expect_complete(finish());
}

TEST_F(RecordingTest, EveryAnswerKnowsItsRequest) {
  start(TraceRecorder::Clock::processor, std::chrono::milliseconds(5));
  run_to_end(settings_);
  const Trace trace = finish();
  ASSERT_FALSE(trace.messages.empty());
  for (const auto& message : trace.messages) {
    const Event& send = trace.event(message.sent);
    if (send.detail & runtime::trace::is_response) {
      ASSERT_NE(message.request, 0u) << trace.name(send.type);
      const auto& request = trace.messages[message.request - 1];
      EXPECT_LT(request.begun, message.sent);
      EXPECT_EQ(trace.event(request.sent).actor, send.peer);
    }
  }
}

TEST_F(RecordingTest, PayloadsSayWhatTheMessagesHeld) {
  start(TraceRecorder::Clock::logical, std::chrono::milliseconds(0));
  std::map<std::uint64_t, std::multiset<std::uint32_t>> reported;
  {
    Stage stage(settings_);
    stage.observe = [&](const Stage::Delivery& delivery) {
      if (const auto* message = delivery.as<report>();
          message && delivery.receiver == "node_zero") {
        reported[message->envelope.step].insert(message->positions.begin(),
                                                message->positions.end());
      }
    };
    auto ended = stage.ask<run_ended>(stage.actors().driver, run_all{});
    stage.run();
  }
  const Trace trace = finish();
  std::map<std::uint64_t, std::multiset<std::uint32_t>> recorded;
  for (const auto& event : trace.events) {
    if (event.kind == Kind::begin && trace.name(event.type) == "report" &&
        trace.actor_name(event.actor) == "node_zero") {
      std::uint64_t step = 0;
      std::vector<std::uint32_t> positions;
      ASSERT_TRUE(trace.number(event, "step", step));
      ASSERT_TRUE(trace.numbers(event, "positions", positions));
      recorded[step].insert(positions.begin(), positions.end());
    }
  }
  EXPECT_EQ(recorded, reported);
  EXPECT_FALSE(recorded.empty());
}

TEST_F(RecordingTest, TheStatesOfARunFollowOneAnother) {
  start(TraceRecorder::Clock::logical, std::chrono::milliseconds(0));
  {
    Stage stage(settings_);
    auto ended = stage.ask<run_ended>(stage.actors().driver, run_all{});
    stage.run();
  }
  const Trace trace = finish();
  std::vector<std::string> states;
  for (const auto& event : trace.events) {
    if (event.kind == Kind::state && trace.actor_name(event.actor) == "lifecycle") {
      states.push_back(std::string(trace.name(event.type)) + " " + std::to_string(event.argument));
    }
  }
  // At its end an epoch's snapshot names the next one.
  EXPECT_EQ(states, (std::vector<std::string>{"idle 0", "training 0", "quiescent 1", "training 1",
                                              "quiescent 2", "draining 2", "stopped 2"}));
}

}  // namespace
}  // namespace nodezero::actors::testing
