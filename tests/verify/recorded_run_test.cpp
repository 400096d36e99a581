// SPDX-License-Identifier: BSD-3-Clause

// Runs of threads, recorded and made to happen again on one thread.

#include "verify/replay/recorded_run.hpp"

#include <filesystem>
#include <map>
#include <mutex>
#include <stdexcept>

#include <gtest/gtest.h>

#include "actors/laws/trace_catalogue.hpp"
#include "model/storage/digest.hpp"
#include "runtime/trace/trace_file.hpp"
#include "support/failing_model.hpp"
#include "support/tiny_run.hpp"
#include "support/trace_editor.hpp"
#include "verify/scenarios/temporary_file.hpp"

namespace nodezero::verify {
namespace {

using actors::testing::Attempt;
using actors::testing::Failure;
using actors::testing::Recorder;
using actors::testing::tiny_settings;
using actors::testing::TraceEditor;
using runtime::trace::Kind;
using runtime::trace::Trace;

constexpr std::uint32_t to_the_end = 0xffffffff;

struct Recorded {
  Trace trace;
  std::string weights;  ///< their digest; empty if the run failed
  Recorder said;
};

/// Runs on threads. `during` is called after each step, with the trainer.
Recorded record(
    actors::RunSettings settings,
    const std::function<void(actors::Trainer&, const actors::StepSummary&)>& during = {}) {
  using runtime::trace::Recorder;
  const TemporaryFile file;
  auto recorder = Recorder::make({.file = file.path(),
                                  .when_full = Recorder::WhenFull::wait,
                                  .catalogue = actors::trace_catalogue(),
                                  .about = {},
                                  .warn = {}});
  EXPECT_TRUE(recorder);
  settings.recorder = recorder->get();
  Recorded result;
  {
    actors::Trainer* running = nullptr;
    result.said.after_step = [&](const actors::StepSummary& step) {
      if (during) {
        during(*running, step);
      }
    };
    actors::Trainer trainer(settings, result.said);
    running = &trainer;
    const auto end = trainer.run();
    result.weights = end.weights ? model::digest(*end.weights) : "";
  }
  EXPECT_TRUE((*recorder)->close());
  auto trace = runtime::trace::read_trace(file.path());
  EXPECT_TRUE(trace);
  result.trace = std::move(*trace);
  return result;
}

void expect_the_same(const actors::RunSettings& settings, const Recorded& recorded) {
  const auto replayed = replay_recorded(settings, recorded.trace, to_the_end);
  EXPECT_EQ(replayed.messages, replayed.recorded);
  EXPECT_GT(replayed.messages, 100u);
  if (replayed.difference) {
    ADD_FAILURE() << "event " << replayed.difference->event
                  << "\nrecorded: " << replayed.difference->recorded
                  << "\nhere: " << replayed.difference->happening;
  }
  ASSERT_EQ(replayed.end && replayed.end->weights, !recorded.weights.empty());
  if (replayed.end && replayed.end->weights) {
    EXPECT_EQ(model::digest(*replayed.end->weights), recorded.weights);
  }
}

actors::RunSettings busy_settings() {
  auto settings = tiny_settings();
  settings.spheres = 5;
  settings.symmetry = 2;
  settings.evaluate_every = 3;
  settings.prompts = {{1, 2}};
  settings.sample_tokens = 20;
  return settings;
}

TEST(RecordedRun, HappensAgainEventByEvent) {
  const auto settings = busy_settings();
  for (int i = 0; i < 3; ++i) {
    expect_the_same(settings, record(settings));
  }
}

TEST(RecordedRun, OfManySpheresAndLanesHappensAgain) {
  auto settings = tiny_settings();
  settings.spheres = 30;
  settings.threads = 4;
  settings.training.micro_batches = 16;
  expect_the_same(settings, record(settings));
}

TEST(RecordedRun, HappensAgainWithItsStop) {
  const auto settings = busy_settings();
  const auto recorded = record(settings, [](actors::Trainer& trainer, const auto& step) {
    if (step.step == 4) {
      trainer.stop();
    }
  });
  expect_the_same(settings, recorded);
}

// Whether a micro-batch fails here depends on the order in which its lane got them: the state of a
// planted bug that a second run of threads need not show.
std::shared_ptr<const model::TrainedModel> depends_on_order(const model::TrainingConfig& config) {
  return actors::testing::failing_model_by_lane(config, [] {
    return [order = std::uint64_t{0}](const Attempt& attempt) mutable {
      order = runtime::Fingerprint().add(order).add(attempt.micro_batch).add(attempt.step).value();
      return attempt.failures == 0 && order % 5 == 0 ? Failure::throws : Failure::none;
    };
  });
}

TEST(RecordedRun, APlantedDependenceOnOrderHappensAgain) {
  std::size_t deaths = 0;
  for (int i = 0; i < 5; ++i) {
    auto settings = busy_settings();
    settings.attempts = 100;
    settings.training.micro_batches = 12;
    settings.trained = depends_on_order(settings.training);
    const auto recorded = record(settings);
    deaths += recorded.said.notices.size();
    settings.trained = depends_on_order(settings.training);
    expect_the_same(settings, recorded);
  }
  EXPECT_GT(deaths, 10u);
}

TEST(RecordedRun, OfAFailureHappensAgain) {
  auto settings = busy_settings();
  settings.trained = actors::testing::failing_model(settings.training, [](const Attempt& attempt) {
    return attempt.step == 2 && attempt.micro_batch == 3 ? Failure::throws : Failure::none;
  });
  expect_the_same(settings, record(settings));
}

TEST(RecordedRun, AnotherResultIsNamedAtItsEventWithBothAlternatives) {
  const auto settings = tiny_settings();
  TraceEditor editor(record(settings).trace);
  const auto report = editor.find(Kind::send, "report", 20);
  ASSERT_NE(report, 0u);
  const auto tokens = editor.number(report, "valid_tokens");
  editor.set_number(report, "valid_tokens", tokens + 5);
  const auto replayed = replay_recorded(settings, editor.trace(), to_the_end);
  ASSERT_TRUE(replayed.difference);
  EXPECT_EQ(replayed.difference->event, report);
  EXPECT_NE(replayed.difference->recorded.find("valid_tokens " + std::to_string(tokens + 5)),
            std::string::npos)
      << replayed.difference->recorded;
  EXPECT_NE(replayed.difference->happening.find("valid_tokens " + std::to_string(tokens)),
            std::string::npos)
      << replayed.difference->happening;
}

TEST(RecordedRun, OfOtherArithmeticPartsWhereItsResultIsFirstSaid) {
  auto settings = tiny_settings();
  const auto recorded = record(settings);
  settings.training.optimizer.learning_rate *= 2;
  const auto replayed = replay_recorded(settings, recorded.trace, to_the_end);
  ASSERT_TRUE(replayed.difference);
  EXPECT_EQ(recorded.trace.name(recorded.trace.event(replayed.difference->event).type),
            "optimizer_complete");
}

TEST(RecordedRun, AMessageThatDoesNotComeIsNamedWithWhatIsOnItsWay) {
  const auto settings = tiny_settings();
  auto trace = record(settings).trace;
  // The recording says that the optimizer was asked something else.
  TraceEditor editor(std::move(trace));
  const auto apply = editor.find(Kind::begin, "apply", 3);
  editor.set_type(apply, "export_state");
  const auto replayed = replay_recorded(settings, editor.trace(), to_the_end);
  ASSERT_TRUE(replayed.difference);
  EXPECT_EQ(replayed.difference->event, apply);
  EXPECT_NE(replayed.difference->happening.find("apply"), std::string::npos)
      << replayed.difference->happening;
}

TEST(RecordedRun, StopsAtAnEventAndShowsTheActors) {
  const auto settings = tiny_settings();
  const auto recorded = record(settings);
  TraceEditor editor(recorded.trace);
  const auto until = editor.find(Kind::begin, "apply", 2);
  const auto replayed = replay_recorded(settings, recorded.trace, until);
  EXPECT_FALSE(replayed.difference);
  EXPECT_EQ(replayed.messages, replayed.recorded);
  EXPECT_FALSE(replayed.end);
  std::map<std::string, std::string> states;
  for (const auto& actor : replayed.actors) {
    states[actor.name] = actor.state;
  }
  EXPECT_EQ(states["node_zero"], "applying");
  EXPECT_EQ(states["optimizer"], "updating");
}

TEST(RecordedRun, IsRefusedIfItLacksSomething) {
  const auto settings = tiny_settings();
  auto trace = record(settings).trace;
  const auto refuses = [&](const char* what) {
    try {
      replay_recorded(settings, trace, to_the_end);
      ADD_FAILURE() << "replayed a trace that is " << what;
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find(what), std::string::npos) << error.what();
    }
    trace.completeness = {};
  };
  trace.completeness.ring = true;
  refuses("last seconds");
  trace.completeness.lost_records = 3;
  refuses("lost 3 records");
  trace.completeness.cut_off = true;
  refuses("killed");
  // A thread's block is gone, and nothing says so.
  const auto thread = trace.event(TraceEditor(trace).find(Kind::send, "compute")).thread;
  const Trace whole = trace;
  std::erase_if(trace.events, [&](const auto& event) {
    return event.thread == thread && event.kind != Kind::spawn;
  });
  trace.link();
  refuses("lacks the sending");
  trace = whole;
  for (auto& actor : trace.actors) {
    actor.name = actor.name == "lane" ? "line" : actor.name;
  }
  refuses("no lane");
}

}  // namespace
}  // namespace nodezero::verify
