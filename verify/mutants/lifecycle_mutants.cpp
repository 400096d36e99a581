// SPDX-License-Identifier: BSD-3-Clause

// Mutants of the lifecycle and of inference.

#include "verify/mutants/mutant.hpp"

namespace nodezero::mutants {
namespace {

constexpr auto lifecycle = "actors/inference/lifecycle.cpp";
constexpr auto inference = "actors/inference/inference.cpp";

}  // namespace

std::vector<Mutant> of_the_lifecycle() {
  return {
      {"introduction_forgets_stop",
       "a stop that comes before node_zero is known is forgotten",
       "A5 A6",
       {{lifecycle, "if (in<draining>()) { drain(); }", ""}}},
      {"stop_answered_at_once",
       "a stop is answered before anything is saved",
       "A11",
       {{lifecycle, "state_.stops.push_back(promise);", "promise.deliver(stopped{});"}}},
      {"second_stop_forgotten",
       "a second stop is not answered",
       "A5",
       {{lifecycle, "state_.stops.push_back(promise);",
         "if (state_.stops.empty()) { state_.stops.push_back(promise); }"}}},
      {"second_stop_halts_again",
       "a second stop halts node_zero once more",
       "A5",
       {{lifecycle, "!in<draining>()", "true"}}},
      {"end_not_remembered",
       "a stop after the end waits for another",
       "A5",
       {{lifecycle, "enter(ended{answer});", ""}}},
      {"refused_while_draining",
       "every request is refused while the run stops, and after",
       "A2 A10",
       {{lifecycle, "request.until_stop && (in<draining>() || in<ended>())",
         "in<draining>() || in<ended>()"}}},
      {"waiting_forgotten_at_boundary",
       "requests that wait for a boundary are forgotten there",
       "A2",
       {{lifecycle, "enter(quiescent{message.envelope.epoch}); answer_waiting();",
         "enter(quiescent{message.envelope.epoch});"}}},
      {"waiting_forgotten_at_stop",
       "requests that wait are forgotten when the run stops",
       "A2 A5",
       {{lifecycle,
         "if (state_.weights) { answer_waiting(); } else {"
         "refuse_waiting(to_error(std::get<caf::error>(answer))); }",
         "if (!state_.weights) { refuse_waiting(to_error(std::get<caf::error>(answer))); }"}}},
      {"waiting_forgotten_at_failure",
       "requests that wait are forgotten when the epoch fails",
       "A2",
       {{lifecycle, "refuse_waiting(reason);", ""}},
       {},
       "a failure makes the driver stop the run, which answers or refuses what still waits"},
      {"snapshot_in_mid_epoch",
       "any snapshot ends the state of training",
       "A11",
       {{lifecycle,
         "if (message.epoch_boundary) { enter(quiescent{message.envelope.epoch});"
         "answer_waiting(); }",
         "enter(quiescent{message.envelope.epoch}); answer_waiting();"}}},
      {"snapshot_misnamed",
       "a new snapshot keeps the old one's number",
       "A2",
       {{lifecycle, "state_.envelope = message.envelope;", ""}}},
      {"next_request_not_begun",
       "a generation that has ended makes no room for the next",
       "A6",
       {{inference, "--state_.running;", ""}}},
      {"generation_too_short",
       "a generation ends one token too early",
       "C1",
       {{inference, "left <= 0", "left <= 1"}}},
  };
}

}  // namespace nodezero::mutants
