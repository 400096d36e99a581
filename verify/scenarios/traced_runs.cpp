// SPDX-License-Identifier: BSD-3-Clause
#include "verify/scenarios/traced_runs.hpp"

#include <fstream>
#include <iterator>
#include <stdexcept>

#include <fmt/format.h>

#include "actors/laws/trace_catalogue.hpp"
#include "actors/laws/trace_rules.hpp"
#include "runtime/trace/trace_file.hpp"
#include "verify/explore/cpu_time.hpp"
#include "verify/explore/draws.hpp"
#include "verify/explore/replay.hpp"
#include "verify/scenarios/temporary_file.hpp"

namespace nodezero::verify {
namespace {

namespace trace = runtime::trace;

template <class Value>
Value unwrap(Result<Value> result) {
  if (!result) {
    throw std::runtime_error(result.error().message);
  }
  if constexpr (!std::is_void_v<Value>) {
    return std::move(*result);
  }
}

std::unique_ptr<trace::Recorder> make_recorder(const std::filesystem::path& file) {
  return unwrap(trace::Recorder::make({.file = file,
                                       .when_full = trace::Recorder::WhenFull::wait,
                                       .clock = trace::Recorder::Clock::logical,
                                       .flush_interval = std::chrono::milliseconds(0),
                                       .catalogue = actors::trace_catalogue(),
                                       .about = {},
                                       .warn = {}}));
}

/// The bytes of a trace file: the same for the same trace, whatever ids the system gave.
std::string bytes_of(const trace::Trace& recorded) {
  const TemporaryFile file;
  unwrap(trace::write_trace(recorded, file.path()));
  std::ifstream in(file.path(), std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

trace::Trace record_schedule(const Question& question, const std::vector<explore::Choice>& steps) {
  const TemporaryFile file;
  const auto recorder = make_recorder(file.path());
  {
    Session session(question, recorder.get());
    explore::replay(session.run(), steps);
  }
  unwrap(recorder->close());
  return unwrap(trace::read_trace(file.path()));
}

explore::Report explore_traced(const Question& question, const explore::Bounds& bounds) {
  explore::Report report;
  const double start = explore::cpu_seconds();
  Session session(question);
  auto& run = session.run();
  auto& network = run.network();
  while (report.schedules < bounds.schedules && report.cpu_seconds < bounds.cpu_seconds &&
         !report.counterexample) {
    run.restart();
    explore::Draws draws(question.seed, report.schedules);
    std::vector<explore::Choice> steps;
    network.observe = [&](const explore::Delivery& delivery) {
      report.coverage.note(network, delivery);
    };
    while (!run.at_end()) {
      const auto choices = run.choices();
      steps.push_back(choices[draws.below(choices.size())]);
      run.take(steps.back());
    }
    network.observe = nullptr;
    std::string rule = run.violation();
    if (rule.empty()) {
      const auto recorded = record_schedule(question, steps);
      const auto verdict = actors::check_trace(recorded);
      if (!verdict.violations.empty()) {
        const auto& first = verdict.violations.front();
        rule = fmt::format("the trace breaks the law {}: {}", first.rule, first.what);
      } else if (bytes_of(recorded) != bytes_of(record_schedule(question, steps))) {
        rule = "the same schedule gave another trace the second time";
      }
    }
    if (!rule.empty()) {
      report.counterexample = explore::Counterexample{std::move(rule), steps};
    }
    ++report.schedules;
    report.runs += 3;
    report.steps += 3 * steps.size();
    report.longest = std::max<std::uint64_t>(report.longest, steps.size());
    report.cpu_seconds = explore::cpu_seconds() - start;
  }
  report.deliveries = network.deliveries();
  return report;
}

}  // namespace nodezero::verify
