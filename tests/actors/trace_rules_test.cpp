// SPDX-License-Identifier: BSD-3-Clause
#include "actors/laws/trace_rules.hpp"

#include <random>
#include <set>

#include <gtest/gtest.h>

#include "support/failing_model.hpp"
#include "support/recorded_trace.hpp"
#include "support/stage.hpp"
#include "support/trace_editor.hpp"

namespace nodezero::actors::testing {
namespace {

using runtime::trace::Event;
using runtime::trace::Kind;
using runtime::trace::Trace;
using TraceRecorder = runtime::trace::Recorder;

std::set<std::string> violated(const Trace& trace) {
  std::set<std::string> rules;
  for (const auto& violation : check_trace(trace).violations) {
    rules.insert(violation.rule);
    EXPECT_GE(violation.second, 1u) << violation.rule;
    EXPECT_LE(violation.second, trace.events.size()) << violation.rule;
    EXPECT_LE(violation.first, violation.second) << violation.rule;
  }
  return rules;
}

std::string told(const Trace& trace) {
  std::string text;
  for (const auto& violation : check_trace(trace).violations) {
    text += violation.rule + ": " + violation.what + "\n";
  }
  return text;
}

using Rules = std::set<std::string>;

// -- runs that keep the laws -----------------------------------------------------------------

TEST(TraceRules, HoldForARunUnderTheTestingScheduler) {
  EXPECT_EQ(told(staged_trace()), "");
  EXPECT_TRUE(check_trace(staged_trace()).undecided.empty());
}

TEST(TraceRules, HoldForARunOnThreads) {
  const Trace trace = recorded(busy_settings(), TraceRecorder::Clock::processor,
                               [](const RunSettings& made) { run_to_end(made); });
  EXPECT_EQ(told(trace), "");
  EXPECT_TRUE(check_trace(trace).undecided.empty());
}

TEST(TraceRules, HoldForARunWhoseSpheresDie) {
  RunSettings made = busy_settings();
  made.trained = failing_model(made.training, [](const Attempt& attempt) {
    return attempt.failures == 0 && (attempt.micro_batch + attempt.step) % 4 == 1
               ? (attempt.step % 2 == 0 ? Failure::not_finite : Failure::throws)
               : Failure::none;
  });
  const Trace trace = recorded(made, TraceRecorder::Clock::processor,
                               [](const RunSettings& with) { run_to_end(with); });
  EXPECT_EQ(told(trace), "");
}

TEST(TraceRules, HoldForARunWhoseSpheresAreKilled) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const Trace trace =
        recorded(busy_settings(), TraceRecorder::Clock::logical, [&](const RunSettings& made) {
          Stage stage(made);
          stage.kill_spheres(seed, made.attempts);
          auto ended = stage.ask<run_ended>(stage.actors().driver, run_all{});
          stage.run();
          ASSERT_TRUE(ended.succeeded());
          EXPECT_EQ(stage.killed(), made.attempts);
        });
    EXPECT_EQ(told(trace), "") << "seed " << seed;
  }
}

TEST(TraceRules, HoldForARunWhoseEpochFails) {
  RunSettings made = busy_settings();
  made.attempts = 1;
  made.trained = failing_model(made.training, [](const Attempt& attempt) {
    return attempt.step == 3 && attempt.micro_batch == 2 ? Failure::throws : Failure::none;
  });
  const Trace trace = recorded(made, TraceRecorder::Clock::processor,
                               [](const RunSettings& with) { run_to_end(with); });
  EXPECT_EQ(told(trace), "");
}

TEST(TraceRules, HoldForARunThatIsKilledAnywhere) {
  for (const int steps : {50, 333, 1000}) {
    const Trace trace =
        recorded(busy_settings(), TraceRecorder::Clock::logical, [&](const RunSettings& made) {
          Stage stage(made);
          auto ended = stage.ask<run_ended>(stage.actors().driver, run_all{});
          for (int i = 0; i < steps; ++i) {
            stage.step();
          }
        });
    EXPECT_EQ(told(trace), "") << steps;
  }
}

// -- runs that break one law -------------------------------------------------------------------

TEST(TraceRules, FindAnEpochThatIsAnsweredBeforeItsLastStep) {
  TraceEditor editor(staged_trace());
  const auto done = editor.find(Kind::send, "epoch_done");
  const auto step = editor.number(done, "step");
  const auto proof = editor.find(Kind::begin, "optimizer_complete", 1, [&](const Event& event) {
    std::uint64_t of = 0;
    return editor.trace().number(event, "step", of) && of == step;
  });
  editor.move_before(done, proof);
  EXPECT_EQ(violated(editor.trace()), Rules{"epoch-done-after-last-step"});
  const auto violations = check_trace(editor.trace()).violations;
  EXPECT_EQ(violations[0].second, proof);
  EXPECT_NE(violations[0].first, 0u);
}

TEST(TraceRules, FindAnEpochThatIsAnsweredTooEarlyForItsSteps) {
  TraceEditor editor(staged_trace());
  const auto done = editor.find(Kind::send, "epoch_done");
  editor.set_number(done, "step", editor.number(done, "step") - 1);
  EXPECT_EQ(violated(editor.trace()), Rules{"epoch-done-after-last-step"});
}

TEST(TraceRules, FindAnEpochThatIsAnsweredBeforeTheStepThatItWasBegunWithAsItsLast) {
  TraceEditor editor(staged_trace());
  const auto begun = editor.find(Kind::send, "training");
  editor.set_number(begun, "last_step", editor.number(begun, "last_step") + 1);
  EXPECT_EQ(violated(editor.trace()), Rules{"epoch-done-after-last-step"});
  const auto violations = check_trace(editor.trace()).violations;
  EXPECT_EQ(violations[0].first, begun);
  EXPECT_EQ(violations[0].second, editor.find(Kind::send, "epoch_done"));
}

TEST(TraceRules, FindAnEpochThatIsAnsweredTwice) {
  TraceEditor editor(staged_trace());
  const auto done = editor.find(Kind::send, "epoch_done");
  editor.send_again(done, done);
  EXPECT_EQ(violated(editor.trace()), Rules{"epoch-done-once"});
}

TEST(TraceRules, FindAMicroBatchThatIsNotInTheSum) {
  for (const auto* receiver : {"node_zero", "control"}) {
    TraceEditor editor(staged_trace());
    const auto gradient = editor.find(Kind::send, "gradient", 3, [&](const Event& event) {
      return editor.trace().actors[event.peer].name == receiver;
    });
    editor.set_number(gradient, "last", editor.number(gradient, "first"));
    EXPECT_EQ(violated(editor.trace()), Rules{"conservation"}) << receiver;
  }
}

TEST(TraceRules, FindAMicroBatchThatIsInTheSumTwice) {
  TraceEditor editor(staged_trace());
  const auto gradient = editor.find(Kind::send, "gradient", 2, [&](const Event& event) {
    return editor.trace().actors[event.peer].name == "node_zero";
  });
  const auto& life = *editor.trace().message_of(editor.trace().event(gradient));
  const auto again = editor.send_again(life.ended, gradient);
  editor.handle(again, again);
  EXPECT_EQ(violated(editor.trace()), Rules{"conservation"});
}

TEST(TraceRules, FindASecondReport) {
  TraceEditor editor(staged_trace());
  const auto report = editor.find(Kind::send, "report", 4);
  const auto& life = *editor.trace().message_of(editor.trace().event(report));
  const auto again = editor.send_again(life.ended, report);
  editor.handle(again, again);
  EXPECT_EQ(violated(editor.trace()), Rules{"one-report"});
}

TEST(TraceRules, FindAStepThatWasClosedWithoutAReport) {
  TraceEditor editor(staged_trace());
  // The step's report of a child that others' reports come after.
  const auto report = editor.find(Kind::send, "report", 1);
  const auto life = *editor.trace().message_of(editor.trace().event(report));
  editor.erase({life.begun, life.ended});
  EXPECT_EQ(violated(editor.trace()), Rules{"one-report"});
}

TEST(TraceRules, FindAMessageOfAnOlderEpochThatIsHandledAsCurrent) {
  TraceEditor editor(staged_trace());
  const auto of_epoch = [&](std::uint64_t wanted) {
    return [&editor, wanted](const Event& event) {
      std::uint64_t epoch = 0;
      return editor.trace().number(event, "epoch", epoch) && epoch == wanted &&
             editor.trace().actors[event.peer].name == "worker";
    };
  };
  const auto old = editor.find(Kind::send, "assign", 1, of_epoch(0));
  const auto current = editor.find(Kind::send, "assign", 1, [&](const Event& event) {
    return of_epoch(1)(event) && event.peer == editor.trace().event(old).peer;
  });
  const auto notice = editor.find(Kind::send, "telemetry_step");
  const auto& life = *editor.trace().message_of(editor.trace().event(current));
  const auto again = editor.send_again(life.ended, old);
  editor.handle(again, again, {notice});
  EXPECT_EQ(violated(editor.trace()), Rules{"no-older-epoch"});
}

TEST(TraceRules, AllowAMessageOfAnOlderEpochThatHasNoEffect) {
  TraceEditor editor(staged_trace());
  const auto old = editor.find(Kind::send, "gradient");
  const auto later = editor.find(Kind::end, "begin_epoch", 2);
  const auto again = editor.send_again(later, old);
  editor.handle(again, again);
  EXPECT_FALSE(violated(editor.trace()).contains("no-older-epoch"));
}

TEST(TraceRules, FindAVersionThatIsSkipped) {
  TraceEditor editor(staged_trace());
  const auto complete = editor.find(Kind::send, "optimizer_complete", 3);
  editor.set_number(complete, "version", editor.number(complete, "version") + 1);
  EXPECT_EQ(violated(editor.trace()), Rules{"versions-rise-by-one"});
}

TEST(TraceRules, FindInferenceOnAVersionInTheMaking) {
  TraceEditor editor(staged_trace());
  const auto infer = editor.find(Kind::send, "infer");
  editor.set_number(infer, "version", editor.number(infer, "version") + 1);
  EXPECT_EQ(violated(editor.trace()), Rules{"inference-reads-complete-versions"});
}

TEST(TraceRules, FindATransitionThatTheLifecycleMayNotMake) {
  TraceEditor editor(staged_trace());
  editor.set_type(editor.find(Kind::state, "quiescent"), "failed");
  EXPECT_EQ(violated(editor.trace()), Rules{"lifecycle-transitions"});
}

TEST(TraceRules, FindARequestThatIsNeverAnswered) {
  TraceEditor editor(staged_trace());
  const auto answer = editor.find(Kind::send, "shard_done", 5);
  const auto life = *editor.trace().message_of(editor.trace().event(answer));
  editor.erase({life.sent, life.begun, life.ended});
  EXPECT_EQ(violated(editor.trace()), Rules{"requests-answered"});
  // A run that fails does not wait for the work of the step that it abandons.
  editor.set_number(editor.find(Kind::send, "run_ended"), "code", 1);
  EXPECT_EQ(violated(editor.trace()), Rules{});
}

// -- traces that lack something -----------------------------------------------------------------

TEST(TraceRules, DoNotBlameATraceForWhatItLacks) {
  const Trace& whole = staged_trace();
  std::size_t undecided = 0;
  const auto expect_innocent = [&](Trace part, const char* what) {
    part.link();
    const auto verdict = check_trace(part);
    undecided += verdict.undecided.size();
    EXPECT_TRUE(verdict.violations.empty())
        << what << " at " << part.events.size() << ": " << told(part);
  };
  std::mt19937 random(5);
  for (std::size_t cut = 1; cut < whole.events.size(); cut += whole.events.size() / 61) {
    Trace begin = whole, end = whole, holes = whole;
    begin.events.resize(cut);
    begin.completeness.cut_off = true;
    expect_innocent(begin, "the beginning");
    end.events.erase(end.events.begin(), end.events.begin() + static_cast<std::ptrdiff_t>(cut));
    end.completeness.ring = true;
    expect_innocent(end, "the end");
    // Somebody asked for the last seconds while the run went on.
    end.events.resize(std::min(end.events.size(), whole.events.size() / 5));
    expect_innocent(end, "the middle");
    holes.completeness.lost_records =
        std::erase_if(holes.events, [&](const Event&) { return random() % 20 == 0; });
    expect_innocent(holes, "holes");
  }
  EXPECT_GT(undecided, 100u);
}

TEST(TraceRules, LosingABlockOfAThreadIsLosingRecords) {
  // Nothing says that it is missing, but that messages are handled which nobody has sent.
  Trace part = staged_trace();
  const auto thread = part.event(TraceEditor(part).find(Kind::send, "compute")).thread;
  for (std::uint32_t number = 1; number <= part.events.size(); ++number) {
    if (part.event(number).kind == Kind::begin && number % 3 == 0) {
      part.events[number - 1].thread = thread + 1;
    }
  }
  std::erase_if(part.events, [&](const Event& event) {
    return event.thread == thread && event.kind != Kind::spawn;
  });
  part.link();
  EXPECT_EQ(told(part), "");
  EXPECT_FALSE(check_trace(part).undecided.empty());
}

TEST(TraceRules, CountPositionsWithoutWalkingThem) {
  TraceEditor editor(staged_trace());
  const auto gradient = editor.find(Kind::send, "gradient", 3);
  editor.set_number(gradient, "last", 0xffffffffffffffff);
  const auto text = told(editor.trace());
  EXPECT_NE(text.find("conservation: "), std::string::npos) << text;
  EXPECT_NE(text.find(" to 18446744073709551614"), std::string::npos) << text;
}

TEST(TraceRules, SayWhatTheyCannotDecide) {
  Trace part = staged_trace();
  part.events.resize(part.events.size() / 2);
  part.completeness.cut_off = true;
  part.link();
  const auto verdict = check_trace(part);
  ASSERT_EQ(verdict.undecided.size(), 1u);
  EXPECT_EQ(verdict.undecided[0].rule, "requests-answered");
}

}  // namespace
}  // namespace nodezero::actors::testing
