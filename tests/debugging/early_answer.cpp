// SPDX-License-Identifier: BSD-3-Clause

// Trains a tiny model with a fault like that of the system that Node Zero replaces (row A1 of its
// regressions): node_zero counts each step twice, so that it takes an epoch for done when half of
// its steps are, and the epoch's gate, which would notice, takes any proof. Records the run.
//
//   early_answer FILE
#include <cstdio>

#include <fmt/format.h>

#include "actors/laws/trace_catalogue.hpp"
#include "runtime/trace/recorder.hpp"
#include "support/tiny_run.hpp"
#include "verify/mutants/mutant.hpp"
#include "verify/mutants/switches.hpp"

int main(int argc, char** argv) {
  using namespace nodezero;
  if (argc != 2) {
    fmt::print(stderr, "usage: early_answer FILE\n");
    return 2;
  }
  for (const auto* fault : {"step_counted_twice", "gate_takes_any_proof"}) {
    mutants::switched_on.set(mutants::number_of(fault));
  }
  const auto recorder =
      runtime::trace::Recorder::make({.file = argv[1],
                                      .when_full = runtime::trace::Recorder::WhenFull::wait,
                                      .catalogue = actors::trace_catalogue(),
                                      .about = {{"program", "early_answer"}},
                                      .warn = {}});
  if (!recorder) {
    fmt::print(stderr, "early_answer: {}\n", recorder.error().message);
    return 1;
  }
  actors::RunSettings settings = actors::testing::tiny_settings();
  settings.training.epochs = 1;
  settings.validation_batches = nullptr;
  settings.recorder = recorder->get();
  const auto finished = actors::testing::run_to_end(settings);
  const auto& progress = finished.result.progress;
  fmt::print("the run says that it has finished: {} step(s)\n", progress.step);
  if (const auto closed = (*recorder)->close(); !closed) {
    fmt::print(stderr, "early_answer: {}\n", closed.error().message);
    return 1;
  }
  return 0;
}
