// SPDX-License-Identifier: BSD-3-Clause

// Mutants of a host's keeper and of its queue of batches.

#include "verify/mutants/mutant.hpp"

namespace nodezero::mutants {
namespace {

constexpr auto keeper = "actors/embedding/keeper.cpp";
constexpr auto queue = "actors/run/batch_queue.cpp";

}  // namespace

std::vector<Mutant> of_the_keeper() {
  return {
      {"replaced_while_asked",
       "a run is replaced before it has answered what it was asked",
       "A2",
       {{keeper, "!in<ending>() || !state_.end || !state_.asked.empty()",
         "!in<ending>() || !state_.end"}}},
      {"answer_changes_nothing",
       "a change that waits for an answer is forgotten",
       "A6",
       {{keeper, "ask_the_run(); go_on();", "ask_the_run();"}}},
      {"questions_forgotten_at_end",
       "questions that wait for the end of a run are forgotten",
       "A2",
       {{keeper,
         "if (in<ending>()) {"
         "state_.end->checkpoint.weights ? enter(resting{}) : enter(failed{}); }"
         "ask_the_run();",
         "if (in<ending>()) {"
         "state_.end->checkpoint.weights ? enter(resting{}) : enter(failed{}); }"}}},
      {"begins_anew",
       "after a save training begins from the start",
       "A10",
       {{keeper, "settings.resume = from;", ""}}},
      {"batches_forgotten",
       "a save forgets the batches that wait",
       "A10",
       {{keeper, "begin(state_.end->checkpoint, false);", "begin(state_.end->checkpoint, true);"}}},
      {"run_not_stopped",
       "a save waits for the end of the run instead of stopping it",
       "A5",
       {{keeper,
         "request(state_.run.lifecycle, caf::infinite, stop{})"
         ".then([](const stopped&) {}, [](const caf::error&) {});",
         ""}}},
      {"workers_not_awaited",
       "a close returns when the first worker has ended",
       "A5",
       {{keeper, "--state_.workers_left == 0", "true"}},
       {},
       {},
       "what a host's call returns is not a message"},
      {"asked_forgotten_at_close",
       "a close leaves the run's questions without an answer",
       "A5 A6",
       {{keeper,
         "for (auto& [number, question] : std::exchange(state_.asked, {})) {"
         "question.settle(fail(is_closed)); }",
         ""}},
       {},
       {},
       "what a host's call returns is not a message"},
      {"queue_not_ended",
       "who waits for room in the queue is not told of the end of training",
       "A6",
       {{keeper, "settings_.run.submitted->end();", ""}},
       {},
       {},
       "what a host's call returns is not a message"},
      {"feed_not_told",
       "the queue forgets that the feed waits for batches",
       "A6",
       {{queue, "wanted_ = count;", ""}}},
      {"room_not_given",
       "nobody who waits for room in the queue gets it",
       "A6",
       {{queue, "waiting_.erase(waiting_.begin(), end); told = let_in();",
         "waiting_.erase(waiting_.begin(), end);"}}},
      {"taken_batches_dropped",
       "a step that is done again gets other batches",
       "A10",
       {{queue, "taken_.lower_bound(step - 1)", "taken_.lower_bound(step)"}}},
  };
}

}  // namespace nodezero::mutants
