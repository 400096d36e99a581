#include <cstdio>
#include <map>
#include <memory>
#include <stdexcept>

#include <fmt/format.h>

#include "apps/nodezero/commands.hpp"
#include "apps/nodezero/common.hpp"
#include "apps/verify/message_digests.hpp"
#include "apps/verify/session.hpp"
#include "apps/verify/suite.hpp"
#include "runtime/explore/replay.hpp"

namespace nodezero::apps {
namespace {

namespace explore = runtime::explore;
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
    case Mode::random:
    case Mode::pct:
      break;
  }
  return fmt::format("{} schedules of about {:.3g}, {}", report.schedules, report.orders, work);
}

/// Shows a broken rule, writes its schedule, and ends the program.
[[noreturn]] void fail(Session& session, const explore::Counterexample& found,
                       const std::string& out) {
  const auto small = explore::shrink(session.run(), found);
  fmt::print("violated: {}\n", small.rule);
  fmt::print("{} steps, shrunk from {}:\n\n{}\n", small.schedule.size(), found.schedule.size(),
             explore::sequence_diagram(session.run(), small, verify::describe_message));
  const auto written = explore::write_schedule(out, {session.question().text(), small.schedule});
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
  if (options.question.mode == Mode::random || options.question.mode == Mode::pct) {
    bounds.schedules = options.schedules;
  }
  const auto report = session.explore(bounds);
  fmt::print("{}\n", summary(options.question, report));
  if (options.question.scope == Scope::bare && options.question.mode == Mode::classes) {
    fmt::print("expected: {:.0f}, the product of the factorials of numbers of children\n",
               session.classes_of_bare_protocol());
  }
  fmt::print("{} pairs of state and message were met, {} were not\n", report.coverage.met().size(),
             report.coverage.unmet().size());
  if (options.pairs) {
    print_pairs(report.coverage);
  }
  if (report.counterexample) {
    fail(session, *report.counterexample, options.out);
  }
}

void run_suite(const VerifyOptions& options) {
  struct Total {
    std::size_t questions = 0;
    double cpu_seconds = 0;
    std::uint64_t states = 0;
    std::uint64_t schedules = 0;
    bool complete = true;
  };
  Total total;
  std::string group;
  Total of_group;
  const auto flush = [&] {
    if (!group.empty()) {
      const std::string what = of_group.states > 0
                                   ? fmt::format("{} states", of_group.states)
                                   : fmt::format("{} schedules", of_group.schedules);
      fmt::print("{:<50} {:>4} configurations {:>12} {} {:6.1f} s\n", group, of_group.questions,
                 what, of_group.complete ? "all" : "   ", of_group.cpu_seconds);
      std::fflush(stdout);
    }
    of_group = {};
  };
  std::map<std::string, Total> groups;
  for (const auto& entry : verify::suite(options.full)) {
    if (entry.name != group) {
      flush();
      group = entry.name;
    }
    Session session(entry.question);
    explore::Bounds bounds = options.bounds;
    if (entry.schedules > 0) {
      bounds.schedules = entry.schedules;
    }
    const auto report = session.explore(bounds);
    if (report.counterexample) {
      fmt::print("{}: {}\n", entry.name, entry.question.text());
      fail(session, *report.counterexample, options.out);
    }
    ++of_group.questions;
    of_group.cpu_seconds += report.cpu_seconds;
    of_group.states += report.states;
    of_group.schedules += report.schedules;
    of_group.complete = of_group.complete && report.complete;
    total.cpu_seconds += report.cpu_seconds;
    ++total.questions;
  }
  flush();
  fmt::print("{} configurations, no rule violated, {:.1f} s of CPU\n", total.questions,
             total.cpu_seconds);
}

}  // namespace

void add_verify_command(CLI::App& program) {
  auto* command = program.add_subcommand(
      "verify", "Run the protocol's own handlers through all orders of their messages");
  const auto options = std::make_shared<VerifyOptions>();
  auto& question = options->question;
  const std::map<std::string, Mode> modes = {{"exhaustive", Mode::exhaustive},
                                             {"classes", Mode::classes},
                                             {"random", Mode::random},
                                             {"pct", Mode::pct}};
  const std::map<std::string, Scope> scopes = {
      {"bare", Scope::bare}, {"tree", Scope::tree}, {"run", Scope::run}};
  auto* mode = command->add_option("--mode", question.mode,
                                   "exhaustive, classes (one of each that differ), random or pct");
  mode->transform(CLI::CheckedTransformer(modes))->type_name("MODE");
  command
      ->add_option("--scope", question.scope,
                   "run: all actors; tree: spheres, work done in place; bare: reports only")
      ->transform(CLI::CheckedTransformer(scopes))
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
  command->add_option("--checkpoint-every", question.checkpoint_every, "Steps")->type_name("N");
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
