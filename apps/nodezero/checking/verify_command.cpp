// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/checking/verify_command.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <stdexcept>

#include <fmt/format.h>

#include "apps/nodezero/checking/verify_json.hpp"
#include "apps/nodezero/common.hpp"
#include "runtime/inspect/words.hpp"
#include "verify/explore/replay.hpp"
#include "verify/scenarios/message_digests.hpp"
#include "verify/scenarios/small_case.hpp"
#include "verify/scenarios/suite.hpp"

namespace nodezero::apps {

namespace {

using verify::Mode;
using verify::Question;
using verify::Scope;
using verify::Session;

void print_pairs(const verify::explore::Coverage& coverage) {
  for (const auto& [pair, count] : coverage.met()) {
    fmt::print("  seen     {:>12}  {} in {}: {}\n", count, pair.actor, pair.state, pair.message);
  }
  for (const auto& pair : coverage.unmet()) {
    fmt::print("  missing  {:>12}  {} in {}: {}\n", "", pair.actor, pair.state, pair.message);
  }
}

void print_coverage(const verify::explore::Coverage& coverage, bool pairs) {
  fmt::print("{} of a state and a message occurred, {} never did{}\n",
             runtime::inspect::counted(coverage.met().size(), "pair"), coverage.unmet().size(),
             pairs ? ":" : " (--pairs lists them)");
  if (pairs) {
    print_pairs(coverage);
  }
}

/// One line that says how much was covered.
std::string summary(const Question& question, const verify::explore::Report& report) {
  const double rate = static_cast<double>(report.deliveries) / std::max(report.cpu_seconds, 1e-3);
  const std::string work = fmt::format("{} deliveries, {:.2f} s CPU, {:.0f} deliveries/s",
                                       report.deliveries, report.cpu_seconds, rate);
  switch (question.mode) {
    case Mode::classes:
      return fmt::format("{} {} {} of schedules, {}", report.complete ? "all" : "stopped after",
                         report.schedules, report.schedules == 1 ? "class" : "classes", work);
    case Mode::exhaustive:
      return fmt::format("{} {}, standing for {:.4g} schedules, {}",
                         report.complete ? "all" : "stopped after",
                         runtime::inspect::counted(report.states, "state"), report.orders, work);
    default:
      break;
  }
  return report.orders < 1e300
             ? fmt::format("{} of about {:.3g} schedules, {}", report.schedules, report.orders,
                           work)
             : fmt::format("{} of more than 1e300 schedules, {}", report.schedules, work);
}

/// Prints a broken rule, writes its schedule, and ends the program.
[[noreturn]] void fail(const Question& question, const verify::explore::Counterexample& found,
                       const std::string& out) {
  const auto [simple, small] = verify::shrink({question, found});
  Session session(simple);
  fmt::print("violated: {}\n", small.rule);
  fmt::print("{}, reduced from {}:\n\n{}\n",
             runtime::inspect::counted(small.schedule.size(), "step"), found.schedule.size(),
             verify::explore::sequence_diagram(session.run(), small, verify::describe_message));
  const auto written = verify::explore::write_schedule(out, {simple.text(), small.schedule});
  if (!written) {
    throw CommandError(exit_failure, written.error());
  }
  throw CommandError(exit_failure, fmt::format("a rule is violated: {} (see it again: nodezero "
                                               "verify --replay '{}')",
                                               small.rule, out));
}

void run_replay(const std::string& file) {
  const auto schedule = verify::explore::read_schedule(file);
  if (!schedule) {
    throw CommandError(exit_bad_input, schedule.error());
  }
  const auto question = Question::from_text(schedule->header);
  Session session(question);
  const auto again = verify::explore::replay(session.run(), schedule->steps);
  if (again.rule.empty()) {
    fmt::print("{}, no rule is violated\n",
               runtime::inspect::counted(again.schedule.size(), "step"));
    return;
  }
  fmt::print("violated: {}\n\n{}", again.rule,
             verify::explore::sequence_diagram(session.run(), again, verify::describe_message));
  throw CommandExit{exit_failure};
}

void run_question(const VerifyOptions& options) {
  Session session(options.question);
  auto bounds = options.bounds;
  if (options.question.mode != Mode::exhaustive && options.question.mode != Mode::classes) {
    bounds.schedules = options.schedules;
  }
  const auto report = session.explore(bounds);
  fmt::print("{}\n", summary(options.question, report));
  if (options.question.scope == Scope::bare && options.question.mode == Mode::classes) {
    fmt::print("expected: {:.0f}, the product of the factorials of the numbers of children\n",
               session.classes_of_bare_protocol());
  }
  print_coverage(report.coverage, options.pairs);
  if (report.counterexample) {
    fail(options.question, *report.counterexample, options.out);
  }
}

/// The combined results of all questions with the same name.
struct Group {
  std::string name;
  std::size_t questions = 0;
  std::uint64_t states = 0;
  std::uint64_t schedules = 0;
  bool complete = true;
  double cpu_seconds = 0;

  void add(const verify::explore::Report& report) {
    ++questions;
    states += report.states;
    schedules += report.schedules;
    complete = complete && report.complete;
    cpu_seconds += report.cpu_seconds;
  }
  void print() const {
    fmt::print("{:<46} {:>4} {} {:>11} {:<9} {:<4} {:7.1f} s\n", name, questions,
               questions == 1 ? "configuration, " : "configurations,",
               states > 0 ? states : schedules, states > 0 ? "states" : "schedules",
               complete ? "all" : "", cpu_seconds);
    std::fflush(stdout);
  }
};

void run_suite(const VerifyOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  Group total;
  std::optional<Group> group;
  verify::explore::Coverage coverage;
  std::optional<std::pair<verify::SuiteEntry, verify::explore::Counterexample>> broken;
  verify::answer(verify::suite(options.full), options.jobs,
                 [&](const verify::SuiteEntry& entry, const verify::explore::Report& report) {
                   if (group && group->name != entry.name) {
                     group->print();
                     group.reset();
                   }
                   if (!group) {
                     group = Group{.name = entry.name};
                   }
                   group->add(report);
                   total.add(report);
                   coverage.add(report.coverage);
                   if (report.counterexample) {
                     broken = {entry, *report.counterexample};
                   }
                   return !broken;
                 });
  if (broken) {
    fmt::print("{}: {}\n", broken->first.name, broken->first.question.text());
    fail(broken->first.question, broken->second, options.out);
  }
  group->print();
  print_coverage(coverage, options.pairs);
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  fmt::print("{}, no rule violated, {:.1f} s ({:.1f} s CPU)\n",
             runtime::inspect::counted(total.questions, "configuration"), time.count(),
             total.cpu_seconds);
}

}  // namespace

void verify_command(const VerifyOptions& options) {
  try {
    if (options.output.json) {
      verify_as_json(options);
    } else if (!options.replay.empty()) {
      run_replay(options.replay);
    } else if (options.asks) {
      run_question(options);
    } else {
      run_suite(options);
    }
  } catch (const std::invalid_argument& error) {
    throw CommandError(exit_bad_input, error.what());
  }
}

}  // namespace nodezero::apps
