// SPDX-License-Identifier: BSD-3-Clause
#include "actors/laws/run_difference.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

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

std::vector<RunDifference> differences(const Trace& left, const Trace& right) {
  return compare(logical_run(left), logical_run(right), "A", "B").differences;
}

/// The first cause in words; empty if the runs do not differ. Either way round it is the same.
std::string parts(const Trace& left, const Trace& right) {
  const auto found = differences(left, right), back = differences(right, left);
  EXPECT_EQ(found.size(), back.size());
  EXPECT_TRUE(found.empty() || found.front().key == back.front().key);
  return found.empty() ? "" : found.front().sentence;
}

std::size_t facts(const Trace& trace) {
  return logical_run(trace).facts.size();
}

// -- what runs are free to do: a test for each of `run_freedoms`
// -----------------------------------

TEST(RunDifference, IsNoneBetweenARunAndItself) {
  EXPECT_EQ(parts(staged_trace(), staged_trace()), "");
  EXPECT_GT(facts(staged_trace()), 500u);
  EXPECT_EQ(run_freedoms().size(), 9u);  // each has a test; the last is in hosts/traces_test.cpp
  for (const auto& [key, fact] : logical_run(staged_trace()).facts) {
    EXPECT_TRUE(fact.lacks.empty()) << in_words(key) << " before " << in_words(fact.lacks.front());
  }
}

TEST(RunDifference, LeavesTimesAndNumbersFree) {
  Trace other = staged_trace();
  for (auto& event : other.events) {
    event.time = 3 * event.time + 1'000'000;
    event.message = event.message == 0 ? 0 : event.message * 7;
    event.thread += 5;
  }
  other.link();
  EXPECT_EQ(parts(staged_trace(), other), "");
}

TEST(RunDifference, LeavesTheOrderOfArrivalFree) {
  // Of what two children send, what comes second comes first.
  std::size_t swapped = 0;
  for (std::uint32_t nth = 1; nth < 40; ++nth) {
    TraceEditor editor(staged_trace());
    const auto first = editor.find(Kind::begin, "gradient", nth);
    if (first == 0 || first + 3 > editor.trace().events.size()) {
      break;
    }
    const Event& one = editor.trace().event(first);
    const Event& next = editor.trace().event(first + 2);
    const bool are_two_handlings_without_effect =
        editor.trace().event(first + 1).kind == Kind::end && next.kind == Kind::begin &&
        editor.trace().event(first + 3).kind == Kind::end && next.actor == one.actor;
    if (are_two_handlings_without_effect) {
      editor.move_before(first + 2, first);
      editor.move_before(first + 3, first + 1);
      EXPECT_EQ(parts(staged_trace(), editor.trace()), "") << nth;
      ++swapped;
    }
  }
  EXPECT_GT(swapped, 3u);
}

TEST(RunDifference, LeavesOtherSchedulesFree) {
  // Messages that are held back as long as there are others arrive in quite another order.
  const std::vector<std::function<bool(const Stage::Delivery&)>> late = {
      is<gradient>, is<report>, is<computed>, is<step_plan>, is<assign>};
  for (std::size_t held = 0; held < late.size(); ++held) {
    const Trace other =
        recorded(busy_settings(), TraceRecorder::Clock::logical, [&](const RunSettings& made) {
          Stage stage(made);
          auto ended = stage.ask<run_ended>(stage.actors().driver, run_all{});
          do {
            stage.hold = late[held];
            stage.run();
            stage.hold = nullptr;
          } while (stage.step());
          ASSERT_TRUE(ended.succeeded());
        });
    EXPECT_EQ(parts(staged_trace(), other), "") << held;
  }
}

TEST(RunDifference, LeavesLanesFree) {
  for (const std::uint32_t lanes : {1u, 4u}) {
    auto made = busy_settings();
    made.threads = lanes;
    EXPECT_EQ(parts(staged_trace(), staged_run(made)), "") << lanes;
  }
}

TEST(RunDifference, LeavesSpheresAndTheirTreeFree) {
  for (const auto& [spheres, symmetry] :
       std::vector<std::pair<std::uint32_t, std::uint32_t>>{{1, 12}, {3, 12}, {13, 3}, {40, 2}}) {
    auto made = busy_settings();
    made.spheres = spheres;
    made.symmetry = symmetry;
    EXPECT_EQ(parts(staged_trace(), staged_run(made)), "") << spheres;
  }
}

TEST(RunDifference, LeavesThreadsFree) {
  const Trace trace = recorded(busy_settings(), TraceRecorder::Clock::processor,
                               [](const RunSettings& made) { run_to_end(made); });
  EXPECT_EQ(parts(staged_trace(), trace), "");
}

TEST(RunDifference, LeavesTheLossOfAReportFree) {
  Trace other = staged_trace();
  std::size_t changed = 0;
  for (const auto& event : other.events) {
    if (event.kind == Kind::send && other.name(event.type) == "report") {
      // epoch, step, version, purpose, sphere, positions, loss_sum, valid_tokens
      other.words[event.first_word + event.word_count - 2] ^= 1;
      ++changed;
    }
  }
  EXPECT_GT(changed, 10u);
  EXPECT_EQ(parts(staged_trace(), other), "");
}

TEST(RunDifference, LeavesFreeWhenTheNextStepIsPlanned) {
  const Trace other =
      recorded(busy_settings(), TraceRecorder::Clock::logical, [&](const RunSettings& made) {
        Stage stage(made);
        auto ended = stage.ask<run_ended>(stage.actors().driver, run_all{});
        do {
          stage.hold = is<plan_step>;  // asked for early and answered late
          stage.run();
          stage.hold = nullptr;
        } while (stage.step());
        ASSERT_TRUE(ended.succeeded());
      });
  EXPECT_EQ(parts(staged_trace(), other), "");
}

TEST(RunDifference, LeavesCheckpointsFree) {
  auto made = busy_settings();
  made.checkpoint_every = 1;
  const Trace other = staged_run(made);
  EXPECT_NE(std::ranges::count(other.names, "save", &runtime::trace::Name::text), 0);
  EXPECT_EQ(parts(staged_trace(), other), "");
}

TEST(RunDifference, LeavesFreeWhatTheClockDecides) {
  const Trace other =
      recorded(busy_settings(), TraceRecorder::Clock::logical, [](const RunSettings& made) {
        Stage stage(made);
        auto ended = stage.ask<run_ended>(stage.actors().driver, run_all{});
        for (int i = 0; i < 100; ++i) {
          stage.step();
        }
        stage.advance(made.stall_timeout);  // the watchdog looks, and sees that all is well
        stage.run();
        ASSERT_TRUE(ended.succeeded());
      });
  EXPECT_NE(std::ranges::count(other.names, "watchdog_tick", &runtime::trace::Name::text), 0);
  EXPECT_EQ(parts(staged_trace(), other), "");
}

// -- faults ------------------------------------------------------------------------------------

TEST(RunDifference, NamesAForgedEarlyEndOfAnEpoch) {
  // The same events, of which one happens too early.
  TraceEditor editor(staged_trace());
  const auto done = editor.find(Kind::send, "epoch_done");
  const auto step = editor.number(done, "step");
  const auto proof = editor.find(Kind::begin, "optimizer_complete", 1, [&](const Event& event) {
    std::uint64_t of = 0;
    return editor.trace().number(event, "step", of) && of == step;
  });
  editor.move_before(done, proof);
  const auto found = differences(staged_trace(), editor.trace());
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found.front().kind, RunDifference::Kind::cause);
  EXPECT_EQ(found.front().key.kind, FactKind::epoch_done);
  EXPECT_EQ(found.front().left, done);
  EXPECT_EQ(found.front().right, proof);
  EXPECT_EQ(
      found.front().sentence,
      "in B, epoch 0 was answered with epoch_done after step " + std::to_string(step) + " (event " +
          std::to_string(proof) + ") without it being known that the optimizer completed step " +
          std::to_string(step) + "; in A (event " + std::to_string(done) + ") that came first");
}

TEST(RunDifference, NamesAnEndAfterAnotherStep) {
  TraceEditor editor(staged_trace());
  const auto done = editor.find(Kind::send, "epoch_done");
  editor.set_number(done, "step", editor.number(done, "step") - 1);
  EXPECT_NE(parts(staged_trace(), editor.trace()).find(", where that was after step "),
            std::string::npos)
      << parts(staged_trace(), editor.trace());
}

/// Each edit plants one fault; what it has to be called is in the sentence.
TEST(RunDifference, NamesEachForgedFact) {
  struct Fault {
    std::string says;
    std::function<void(TraceEditor&)> plant;
  };
  const auto repeat = [](TraceEditor& editor, std::uint32_t send) {
    const auto life = *editor.trace().message_of(editor.trace().event(send));
    const auto again = editor.send_again(life.ended, send);
    editor.handle(again, again);
  };
  const std::vector<Fault> faults = {
      {"the last step of epoch 0",
       [](TraceEditor& editor) {
         editor.set_number(editor.find(Kind::send, "training"), "last_step", 99);
       }},
      {"answered with epoch_done after step 6 a second time",
       [](TraceEditor& editor) {
         const auto done = editor.find(Kind::send, "epoch_done");
         editor.send_again(done, done);
       }},
      {"left its worker",
       [](TraceEditor& editor) {
         const auto gradient = editor.find(Kind::send, "gradient", 3, [&](const Event& event) {
           return editor.trace().actors[event.actor].name == "worker";
         });
         editor.set_number(gradient, "last", editor.number(gradient, "first"));
       }},
      {"reached node_zero a second time",
       [&](TraceEditor& editor) {
         repeat(editor, editor.find(Kind::send, "gradient", 2, [&](const Event& event) {
           return editor.trace().actors[event.peer].name == "node_zero";
         }));
       }},
      {"a worker reported micro-batch",
       [&](TraceEditor& editor) {
         repeat(editor, editor.find(Kind::send, "report", 4, [&](const Event& event) {
           return editor.trace().actors[event.actor].name == "worker";
         }));
       }},
      {"without it being known that a worker reported micro-batch",
       [](TraceEditor& editor) {
         const auto report = editor.find(Kind::send, "report", 1);
         const auto life = *editor.trace().message_of(editor.trace().event(report));
         editor.erase({life.begun, life.ended});
       }},
      {"was assigned a second time",
       [&](TraceEditor& editor) {
         repeat(editor, editor.find(Kind::send, "assign", 1, [&](const Event& event) {
           return editor.trace().actors[event.peer].name == "worker";
         }));
       }},
      {"version was 3 in A",
       [](TraceEditor& editor) {
         const auto complete = editor.find(Kind::send, "optimizer_complete", 3);
         editor.set_number(complete, "version", editor.number(complete, "version") + 1);
       }},
      {"before version 8 of the weights was complete",
       [](TraceEditor& editor) {
         const auto infer = editor.find(Kind::send, "infer");
         editor.set_number(infer, "version", editor.number(infer, "version") + 1);
       }},
      {"the lifecycle's state number 3 is quiescent in A",
       [](TraceEditor& editor) {
         editor.set_type(editor.find(Kind::state, "quiescent"), "failed");
       }},
      {"sealed was 1 in A",
       [](TraceEditor& editor) {
         editor.set_number(editor.find(Kind::send, "epoch_done"), "sealed", 0);
       }},
      {"without it being known that the run halted",
       [](TraceEditor& editor) {
         editor.move_before(editor.find(Kind::send, "stopped"), editor.find(Kind::begin, "halted"));
       }},
      {"were added up",
       [](TraceEditor& editor) {
         const auto sum = editor.find(Kind::send, "shard_done", 3, [&](const Event& event) {
           return editor.trace().actors[event.actor].name == "lane";
         });
         const auto life = *editor.trace().message_of(editor.trace().event(sum));
         editor.erase({life.sent, life.begun, life.ended});
       }},
  };
  for (const auto& fault : faults) {
    TraceEditor editor(staged_trace());
    fault.plant(editor);
    std::string all;
    for (const auto& difference : differences(staged_trace(), editor.trace())) {
      all += difference.sentence + '\n';
    }
    EXPECT_NE(all.find(fault.says), std::string::npos) << fault.says << ":\n" << all;
  }
}

TEST(RunDifference, IsSeenInARunThatEndsBeforeItsFirstStep) {
  const Trace at_once =
      recorded(busy_settings(), TraceRecorder::Clock::logical, [](const RunSettings& made) {
        Stage stage(made);
        auto ended = stage.ask<run_ended>(stage.actors().driver, run_all{});
        auto answer = stage.ask<stopped>(stage.actors().lifecycle, stop{});
        stage.run();
        ASSERT_TRUE(ended.succeeded() && answer.succeeded());
      });
  EXPECT_TRUE(is_of_a_run(at_once));
  EXPECT_EQ(parts(at_once, at_once), "");
  EXPECT_NE(parts(staged_trace(), at_once), "");
}

TEST(RunDifference, NamesASphereThatFailed) {
  auto made = busy_settings();
  made.trained = failing_model(made.training, [](const Attempt& attempt) {
    return attempt.failures == 0 && attempt.step == 2 && attempt.micro_batch == 3 ? Failure::throws
                                                                                  : Failure::none;
  });
  const auto sentence = parts(staged_trace(), staged_run(made));
  EXPECT_NE(sentence.find("in B, a sphere ended in the middle of step 2 (event "),
            std::string::npos)
      << sentence;
}

TEST(RunDifference, NamesAnotherSeedByItsFirstNumber) {
  auto made = busy_settings();
  made.training.seed += 1;
  const auto sentence = parts(staged_trace(), staged_run(made));
  EXPECT_NE(sentence.find("when the optimizer completed step 0, gradient_norm was "),
            std::string::npos)
      << sentence;
}

TEST(RunDifference, ComparesOnlyWhatIncompleteTracesHave) {
  Trace ring = staged_trace();
  ring.events.erase(ring.events.begin(),
                    ring.events.begin() + static_cast<std::ptrdiff_t>(ring.events.size() / 3));
  ring.events.resize(ring.events.size() / 2);
  ring.completeness.ring = true;
  ring.link();
  const auto comparison = compare(logical_run(staged_trace()), logical_run(ring), "A", "B");
  EXPECT_EQ(comparison.differences.size(), 0u)
      << comparison.differences.front().sentence << " " << comparison.restriction;
  EXPECT_GT(comparison.facts, 50u);
  EXPECT_TRUE(comparison.restriction.starts_with("compared from step ")) << comparison.restriction;
}

}  // namespace
}  // namespace nodezero::actors::testing
