// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

#include "apps/nodezero/commands.hpp"
#include "apps/nodezero/common.hpp"
#include "verify/explore/replay.hpp"
#include "verify/scenarios/message_digests.hpp"
#include "verify/scenarios/session.hpp"
#include "verify/scenarios/small_case.hpp"
#include "verify/scenarios/suite.hpp"

namespace nodezero::apps {
namespace {

using verify::Mode;
using verify::Question;
using verify::Scope;
using verify::Session;

struct VerifyOptions {
  Question question;
  explore::Bounds bounds;
  std::uint64_t schedules = 1000;
  std::string replay;
  std::string out = "violation.schedule";
  std::uint32_t jobs = std::max(std::thread::hardware_concurrency(), 1U);
  bool full = false;
  bool pairs = false;
};

void print_pairs(const explore::Coverage& coverage) {
  for (const auto& [pair, count] : coverage.met()) {
    fmt::print("  met      {:>12}  {} in {}: {}\n", count, pair.actor, pair.state, pair.message);
  }
  for (const auto& pair : coverage.unmet()) {
    fmt::print("  not met  {:>12}  {} in {}: {}\n", "", pair.actor, pair.state, pair.message);
  }
}

void print_coverage(const explore::Coverage& coverage, bool pairs) {
  fmt::print("{} pairs of a state and a message were met, {} were not{}\n", coverage.met().size(),
             coverage.unmet().size(), pairs ? ":" : " (--pairs lists them)");
  if (pairs) {
    print_pairs(coverage);
  }
}

/// What was covered of how much, on one line.
std::string summary(const Question& question, const explore::Report& report) {
  const double rate = static_cast<double>(report.deliveries) / std::max(report.cpu_seconds, 1e-3);
  const std::string work = fmt::format("{} deliveries, {:.2f} s of CPU, {:.0f} deliveries/s",
                                       report.deliveries, report.cpu_seconds, rate);
  switch (question.mode) {
    case Mode::classes:
      return fmt::format("{} {} classes of schedules, {}",
                         report.complete ? "all" : "cut off after", report.schedules, work);
    case Mode::exhaustive:
      return fmt::format("{} {} states, which stand for {:.4g} schedules, {}",
                         report.complete ? "all" : "cut off after", report.states, report.orders,
                         work);
    default:
      break;
  }
  return report.orders < 1e300
             ? fmt::format("{} schedules of about {:.3g}, {}", report.schedules, report.orders,
                           work)
             : fmt::format("{} schedules of more than 1e300, {}", report.schedules, work);
}

/// Shows a broken rule, writes its schedule, and ends the program.
[[noreturn]] void fail(const Question& question, const explore::Counterexample& found,
                       const std::string& out) {
  const auto [simple, small] = verify::shrink({question, found});
  Session session(simple);
  fmt::print("violated: {}\n", small.rule);
  fmt::print("{} steps, shrunk from {}:\n\n{}\n", small.schedule.size(), found.schedule.size(),
             explore::sequence_diagram(session.run(), small, verify::describe_message));
  const auto written = explore::write_schedule(out, {simple.text(), small.schedule});
  if (!written) {
    throw CommandError(exit_failure, written.error());
  }
  throw CommandError(exit_failure, fmt::format("a rule is violated: {} (nodezero verify --replay "
                                               "'{}' shows it again)",
                                               small.rule, out));
}

void run_replay(const std::string& file) {
  const auto schedule = explore::read_schedule(file);
  if (!schedule) {
    throw CommandError(exit_bad_input, schedule.error());
  }
  const auto question = Question::from_text(schedule->header);
  Session session(question);
  const auto again = explore::replay(session.run(), schedule->steps);
  if (again.rule.empty()) {
    fmt::print("{} steps, no rule is violated\n", again.schedule.size());
    return;
  }
  fmt::print("violated: {}\n\n{}", again.rule,
             explore::sequence_diagram(session.run(), again, verify::describe_message));
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
    fmt::print("expected: {:.0f}, the product of the factorials of numbers of children\n",
               session.classes_of_bare_protocol());
  }
  print_coverage(report.coverage, options.pairs);
  if (report.counterexample) {
    fail(options.question, *report.counterexample, options.out);
  }
}

/// The answers to questions of one name.
struct Group {
  std::string name;
  std::size_t questions = 0;
  std::uint64_t states = 0;
  std::uint64_t schedules = 0;
  bool complete = true;
  double cpu_seconds = 0;

  void add(const explore::Report& report) {
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
  explore::Coverage coverage;
  std::optional<std::pair<verify::SuiteEntry, explore::Counterexample>> broken;
  verify::answer(verify::suite(options.full), options.jobs,
                 [&](const verify::SuiteEntry& entry, const explore::Report& report) {
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
  fmt::print("{} configurations, no rule violated, {:.1f} s ({:.1f} s of CPU)\n", total.questions,
             time.count(), total.cpu_seconds);
}

}  // namespace

void add_verify_command(CLI::App& program) {
  auto* command = program.add_subcommand(
      "verify", "Run the protocol's own handlers through all orders of their messages");
  const auto options = std::make_shared<VerifyOptions>();
  auto& question = options->question;
  const std::map<std::string, Scope> scopes = {
      {"bare", Scope::bare}, {"tree", Scope::tree}, {"run", Scope::run}};
  auto* mode = command->add_option("--mode", question.mode,
                                   "exhaustive, classes (one of each that differ), random, pct, "
                                   "twice (random, and the same states again) or traced (random, "
                                   "recorded twice, and checked as 'trace check' does)");
  mode->transform(CLI::CheckedTransformer(verify::mode_names()).description(""))->type_name("MODE");
  command
      ->add_option("--scope", question.scope,
                   "run: all actors; tree: spheres, work done in place; bare: reports only")
      ->transform(CLI::CheckedTransformer(scopes).description(""))
      ->type_name("SCOPE");
  command->add_option("--seed", question.seed, "Of random and pct")->type_name("N");
  command->add_option("--depth", question.depth, "Of pct: steps that a bug needs in order")
      ->check(CLI::Range(1, 100))
      ->type_name("N");
  command->add_option("--schedules", options->schedules, "Of random and pct")->type_name("N");
  command->add_option("--spheres", question.spheres, "Workers")
      ->check(CLI::Range(1, 2000))
      ->type_name("N");
  command->add_option("--symmetry", question.symmetry, "Most children of a sphere")
      ->check(CLI::Range(2, 1000))
      ->type_name("N");
  command->add_option("--tree", question.tree, "Of scopes tree and bare, such as '((..)(..))'")
      ->type_name("TREE");
  command->add_option("--epochs", question.epochs, "")->check(CLI::Range(1, 1000))->type_name("N");
  command->add_option("--steps", question.steps, "Of an epoch")
      ->check(CLI::Range(0, 1000))
      ->type_name("N");
  command->add_option("--micro-batches", question.micro_batches, "Of a step; 0: one a worker")
      ->check(CLI::Range(0, 10000))
      ->type_name("N");
  command->add_option("--lanes", question.lanes, "")->check(CLI::Range(1, 64))->type_name("N");
  command->add_flag("--work-in-place", question.work_in_place,
                    "Lanes, corpus and checkpointer answer at once");
  command->add_option("--checkpoint-every", question.checkpoint_every, "Steps")->type_name("N");
  command->add_option("--evaluate-every", question.evaluate_every, "Steps")->type_name("N");
  command->add_option("--inference", question.inference, "Requests, each at any moment")
      ->check(CLI::Range(0, 100))
      ->type_name("K");
  command->add_option("--inference-policy", question.policy, "snapshot, wait or refuse")
      ->check(CLI::IsMember({"snapshot", "wait", "refuse"}));
  command->add_flag("--stop{1}", question.stops, "A request to stop at any moment");
  command->add_option("--faults", question.faults, "At most so many in one run: deaths of spheres")
      ->check(CLI::Range(0, 100))
      ->type_name("N");
  command->add_flag("--duplicates", question.duplicates,
                    "A fault may be a message that comes twice");
  command->add_flag("--timers", question.timers, "A fault may be a timeout that comes early");
  command->add_option("--seconds", options->bounds.cpu_seconds, "Of CPU, then it is cut off")
      ->type_name("S");
  command->add_option("--jobs", options->jobs, "Threads for the questions without options")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  command->add_flag("--pairs", options->pairs, "List pairs of state and message");
  command->add_option("--out", options->out, "Where a violation's schedule is written")
      ->type_name("FILE");
  command->add_option("--replay", options->replay, "Run a schedule again")->type_name("FILE");
  command->add_flag("--full", options->full,
                    "Ask everything; without options, what takes about a minute is asked");
  command->callback([options, command] {
    try {
      if (!options->replay.empty()) {
        run_replay(options->replay);
        return;
      }
      const bool asks = command->count("--mode") + command->count("--scope") +
                            command->count("--tree") + command->count("--spheres") >
                        0;
      asks ? run_question(*options) : run_suite(*options);
    } catch (const std::invalid_argument& error) {
      throw CommandError(exit_bad_input, error.what());
    }
  });
}

}  // namespace nodezero::apps
