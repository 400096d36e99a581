// SPDX-License-Identifier: BSD-3-Clause
#include "verify/scenarios/traced_runs.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
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

/// What a recorder keeps of what `follow` does with a run.
template <class Follow>
trace::Trace record(const Question& question, const Follow& follow) {
  const TemporaryFile file;
  const auto recorder = make_recorder(file.path());
  {
    Session session(question, recorder.get());
    follow(session.run());
  }
  unwrap(recorder->close());
  return unwrap(trace::read_trace(file.path()));
}

/// The messages in flight in the order in which they were sent.
class Mailboxes {
 public:
  explicit Mailboxes(explore::Network& network) : network_(network) {
    for (const auto& link : network.choices()) {
      add(network.label(link));
    }
    for (const auto& label : network.queued()) {
      add(label);
    }
  }

  void take(const explore::Choice& step) {
    if (step.is_delivery()) {
      const auto at = std::ranges::find(waiting_, step);
      if (at != waiting_.end()) {
        waiting_.erase(at);
      }
    }
    network_.take(step);
    for (const auto& label : network_.sent()) {
      add(label);
    }
  }

  /// The next message of the actor that has waited longest, or of the last one to be sent any. Of
  /// an actor's messages the oldest comes first, as in a mailbox. None if no message must be
  /// handled.
  std::optional<explore::Choice> next(Rest rest) const {
    std::optional<explore::Choice> chosen;
    std::set<explore::NodeIndex> seen;
    for (const auto& link : waiting_) {
      if (!network_.is_possible(link) || network_.is_optional(link) ||
          !seen.insert(link.receiver).second) {
        continue;
      }
      chosen = link;
      if (rest == Rest::oldest_first) {
        break;
      }
    }
    return chosen;
  }

 private:
  void add(const explore::Network::Label& label) { waiting_.push_back(label.link); }

  explore::Network& network_;
  std::vector<explore::Choice> waiting_;
};

/// A run with a broken rule has no next step, but its actors go on.
void go_on(explore::Run& run, Rest rest) {
  constexpr int most_steps = 2'000;
  constexpr int most_timeouts = 64;
  auto& network = run.network();
  Mailboxes mailboxes(network);
  int timeouts = 0;
  for (int i = 0; i < most_steps; ++i) {
    if (const auto next = mailboxes.next(rest)) {
      mailboxes.take(*next);
    } else if (!run.scenario().finished() && network.has_timer() && timeouts < most_timeouts) {
      ++timeouts;
      mailboxes.take({0, 0, false, explore::Choice::Action::timer});
    } else {
      return;
    }
    run.scenario().after();
  }
}

}  // namespace

trace::Trace record_schedule(const Question& question, const std::vector<explore::Choice>& steps) {
  return record(question, [&](explore::Run& run) { explore::replay(run, steps); });
}

trace::Trace record_whole(const Question& question, const std::vector<explore::Choice>& steps,
                          Rest rest) {
  return record(question, [&](explore::Run& run) {
    run.network().fingerprints = false;
    run.network().labels = true;
    run.restart();
    for (const auto& step : steps) {
      if (run.is_possible(step)) {
        run.take(step);
      }
    }
    go_on(run, rest);
  });
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
