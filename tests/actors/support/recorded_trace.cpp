// SPDX-License-Identifier: BSD-3-Clause
#include "support/recorded_trace.hpp"

#include <filesystem>
#include <stdexcept>
#include <string>
#include <unistd.h>

#include "actors/laws/trace_catalogue.hpp"
#include "runtime/trace/trace_file.hpp"
#include "support/stage.hpp"

namespace nodezero::actors::testing {

using runtime::trace::Trace;
using TraceRecorder = runtime::trace::Recorder;

RunSettings busy_settings() {
  RunSettings made = tiny_settings();
  made.spheres = 5;
  made.symmetry = 2;
  made.evaluate_every = 2;
  made.prompts = {{1, 2, 3}};
  made.sample_tokens = 20;
  return made;
}

Trace recorded(RunSettings settings, TraceRecorder::Clock clock,
               const std::function<void(const RunSettings&)>& run) {
  const auto path =
      std::filesystem::temp_directory_path() / ("nodezero_recorded_" + std::to_string(::getpid()));
  auto recorder = TraceRecorder::make({.file = path,
                                       .when_full = TraceRecorder::WhenFull::wait,
                                       .clock = clock,
                                       .flush_interval = std::chrono::milliseconds(0),
                                       .catalogue = trace_catalogue(),
                                       .about = {},
                                       .warn = {}});
  if (!recorder) {
    throw std::runtime_error(recorder.error().message);
  }
  settings.recorder = recorder->get();
  run(settings);
  if (const auto closed = (*recorder)->close(); !closed) {
    throw std::runtime_error(closed.error().message);
  }
  auto trace = runtime::trace::read_trace(path);
  std::filesystem::remove(path);
  if (!trace) {
    throw std::runtime_error(trace.error().message);
  }
  return std::move(*trace);
}

Trace staged_run(const RunSettings& settings) {
  return recorded(settings, TraceRecorder::Clock::logical, [](const RunSettings& made) {
    Stage stage(made);
    auto ended = stage.ask<run_ended>(stage.actors().driver, run_all{});
    stage.run();
  });
}

const Trace& staged_trace() {
  static const Trace trace = staged_run(busy_settings());
  return trace;
}

}  // namespace nodezero::actors::testing
