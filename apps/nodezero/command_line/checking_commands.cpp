// SPDX-License-Identifier: BSD-3-Clause
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "apps/nodezero/checking/replay_command.hpp"
#include "apps/nodezero/checking/verify_command.hpp"
#include "apps/nodezero/command_line/commands.hpp"
#include "apps/nodezero/trace/trace_commands.hpp"

namespace nodezero::apps {

namespace {

using runtime::inspect::Filter;

void add_file(CLI::App& command, std::string& file) {
  command.add_option("FILE", file, "Trace that `nodezero train --trace` or a ring has written")
      ->required()
      ->type_name("");
}

/// --actor, --type, --epoch and --step of a command, and where events have numbers --between.
void add_filter(CLI::App& command, Filter& filter, bool events_are_numbered = true) {
  const auto group = "Which events";
  command.add_option("--actor", filter.actors, "Only of these actors: worker, or \"worker 3\"")
      ->type_name("NAME")
      ->allow_extra_args(false)
      ->group(group);
  command.add_option("--type", filter.types, "Only about messages of these types, or these states")
      ->type_name("NAME")
      ->allow_extra_args(false)
      ->group(group);
  command.add_option("--epoch", filter.epoch, "Only of this epoch")->type_name("N")->group(group);
  command.add_option("--step", filter.step, "Only of this step")->type_name("N")->group(group);
  if (events_are_numbered) {
    command
        .add_option_function<std::vector<std::uint32_t>>(
            "--between",
            [&filter](const std::vector<std::uint32_t>& events) {
              filter.between = {events[0], events[1]};
            },
            "Only events A to B")
        ->expected(2)
        ->type_name("A B")
        ->group(group);
  }
}

void add_trace_reading(CLI::App& trace) {
  struct Shown {
    std::string file;
    Filter filter;
  };
  auto* summary = trace.add_subcommand(
      "summary", "Actors, messages, waiting, utilisation and the critical path of each epoch");
  const auto summarized = std::make_shared<std::string>();
  add_file(*summary, *summarized);
  summary->callback([summarized] { trace_summary(*summarized); });

  auto* check =
      trace.add_subcommand("check", "Check the protocol's rules; exit code 1 if one is violated");
  const auto checked = std::make_shared<std::string>();
  add_file(*check, *checked);
  check->callback([checked] { trace_check(*checked); });

  auto* why =
      trace.add_subcommand("why", "Why an event happened: its causal past as a stack of messages");
  const auto options = std::make_shared<WhyOptions>();
  add_file(*why, options->file);
  why->add_option("EVENT", options->event, "Number of the event, as `show` prints it")
      ->required()
      ->type_name("");
  why->add_option("--depth", options->depth, "Most reasons to print; 0 is all")
      ->type_name("N")
      ->capture_default_str();
  auto* mermaid = why->add_flag("--mermaid", options->mermaid,
                                "As a Mermaid sequence diagram of the whole causal past");
  why->add_flag("--json", options->json, "As JSON")->excludes(mermaid);
  why->callback([options] { trace_why(*options); });

  auto* show = trace.add_subcommand("show", "Print events");
  const auto shown = std::make_shared<Shown>();
  add_file(*show, shown->file);
  add_filter(*show, shown->filter);
  show->callback([shown] { trace_show(shown->file, shown->filter); });

  auto* follow = trace.add_subcommand(
      "follow", "Print the events of a run while it goes on and writes its trace");
  const auto followed = std::make_shared<Shown>();
  follow->add_option("FILE", followed->file, "Trace that `nodezero train --trace` is writing")
      ->required()
      ->type_name("");
  add_filter(*follow, followed->filter, false);
  follow->callback([followed] { trace_follow(followed->file, followed->filter); });
}

void add_trace_diff_and_sql(CLI::App& trace) {
  auto* diff = trace.add_subcommand(
      "diff", "The first causal difference of two runs; exit code 1 if there is one");
  const auto left = std::make_shared<std::string>(), right = std::make_shared<std::string>();
  diff->add_option("A", *left, "Trace of one run")->required()->type_name("");
  diff->add_option("B", *right, "Trace of the other")->required()->type_name("");
  diff->callback([left, right] { trace_diff(*left, *right); });

  auto* sql = trace.add_subcommand(
      "sql", "Answer an SQL query over the tables about, actors, events and messages");
  const auto file = std::make_shared<std::string>(), query = std::make_shared<std::string>();
  sql->add_option("FILE", *file, "Trace to ask")->required()->type_name("");
  sql->add_option("QUERY", *query, "Such as \"SELECT type, count(*) FROM messages GROUP BY type\"")
      ->required()
      ->type_name("");
  sql->callback([file, query] { trace_sql(*file, *query); });
}

void add_trace_export_and_import(CLI::App& trace) {
  auto* command = trace.add_subcommand("export", "Write a trace in the format of another program");
  struct Exported {
    ExportOptions options;
    Filter filter;
  };
  const auto exported = std::make_shared<Exported>();
  auto& options = exported->options;
  command->add_option("FILE", options.file, "Trace to export")->required()->type_name("");
  command
      ->add_option("--format", options.format,
                   "chrome (Perfetto), shiviz, mermaid, otlp (OpenTelemetry), jsonl, sqlite or "
                   "html")
      ->required()
      ->type_name("NAME")
      ->check(CLI::IsMember({"chrome", "shiviz", "mermaid", "otlp", "jsonl", "sqlite", "html"}));
  command->add_option("--out", options.out, "File to write; without it, standard output")
      ->type_name("FILE");
  command->add_option("--event", options.event, "For mermaid: whose causal past to draw")
      ->type_name("N");
  add_filter(*command, exported->filter);
  command->callback([exported] { trace_export(exported->options, exported->filter); });

  auto* import = trace.add_subcommand("import", "Make a trace file from exported JSON lines");
  const auto lines = std::make_shared<std::string>(), file = std::make_shared<std::string>();
  import->add_option("LINES", *lines, "What export --format jsonl has written")
      ->required()
      ->type_name("");
  import->add_option("FILE", *file, "Trace file to write")->required()->type_name("");
  import->callback([lines, file] { trace_import(*lines, *file);
});
}  // namespace

void add_question(CLI::App& command, verify::Question& question) {
  const std::map<std::string, verify::Scope> scopes = {
      {"bare", verify::Scope::bare}, {"tree", verify::Scope::tree}, {"run", verify::Scope::run}};
  auto* mode = command.add_option("--mode", question.mode,
                                  "exhaustive, classes (one of each that differ), random, pct, "
                                  "twice (random, and the same states again) or traced (random, "
                                  "recorded twice, and checked as 'trace check' does)");
  mode->transform(CLI::CheckedTransformer(verify::mode_names()).description(""))->type_name("MODE");
  command
      .add_option("--scope", question.scope,
                  "run: all actors; tree: spheres, work done in place; bare: reports only")
      ->transform(CLI::CheckedTransformer(scopes).description(""))
      ->type_name("SCOPE");
  command.add_option("--seed", question.seed, "Of random and pct")->type_name("N");
  command.add_option("--depth", question.depth, "Of pct: steps that a bug needs in order")
      ->check(CLI::Range(1, 100))
      ->type_name("N");
  command.add_option("--spheres", question.spheres, "Workers")
      ->check(CLI::Range(1, 2000))
      ->type_name("N");
  command.add_option("--symmetry", question.symmetry, "Most children of a sphere")
      ->check(CLI::Range(2, 1000))
      ->type_name("N");
  command.add_option("--tree", question.tree, "Of scopes tree and bare, such as '((..)(..))'")
      ->type_name("TREE");
  command.add_option("--epochs", question.epochs, "")->check(CLI::Range(1, 1000))->type_name("N");
  command.add_option("--steps", question.steps, "Of an epoch")
      ->check(CLI::Range(0, 1000))
      ->type_name("N");
  command.add_option("--micro-batches", question.micro_batches, "Of a step; 0: one a worker")
      ->check(CLI::Range(0, 10000))
      ->type_name("N");
  command.add_option("--lanes", question.lanes, "")->check(CLI::Range(1, 64))->type_name("N");
  command.add_flag("--work-in-place", question.work_in_place,
                   "Lanes, corpus and checkpointer answer at once");
  command.add_option("--checkpoint-every", question.checkpoint_every, "Steps")->type_name("N");
  command.add_option("--evaluate-every", question.evaluate_every, "Steps")->type_name("N");
  command.add_option("--inference", question.inference, "Requests, each at any moment")
      ->check(CLI::Range(0, 100))
      ->type_name("K");
  command.add_option("--inference-policy", question.policy, "snapshot, wait or refuse")
      ->check(CLI::IsMember({"snapshot", "wait", "refuse"}));
  command.add_flag("--stop{1}", question.stops, "A request to stop at any moment");
  command.add_option("--faults", question.faults, "At most so many in one run: deaths of spheres")
      ->check(CLI::Range(0, 100))
      ->type_name("N");
  command.add_flag("--duplicates", question.duplicates,
                   "A fault may be a message that comes twice");
  command.add_flag("--timers", question.timers, "A fault may be a timeout that comes early");
}

void add_verify(CLI::App& program) {
  auto* command = program.add_subcommand(
      "verify", "Run the protocol's own handlers through all orders of their messages");
  const auto options = std::make_shared<VerifyOptions>();
  add_question(*command, options->question);
  command->add_option("--schedules", options->schedules, "Of random and pct")->type_name("N");
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
    options->asks = command->count("--mode") + command->count("--scope") +
                        command->count("--tree") + command->count("--spheres") >
                    0;
    verify_command(*options);
  });
}

void add_replay(CLI::App& program) {
  auto* command = program.add_subcommand(
      "replay", "Make a recorded run happen again on one thread and compare every event");
  const auto request = std::make_shared<ReplayRequest>();
  command->add_option("FILE", request->file, "Trace of 'nodezero train --trace FILE'")
      ->required()
      ->type_name("FILE");
  command->add_option("--until", request->until, "Stop at this event and show the actors' states")
      ->type_name("EVENT");
  command->callback([request] { replay_command(*request); });
}

}  // namespace nodezero::apps

void add_checking_commands(CLI::App& program) {
  auto* trace = program.add_subcommand(
      "trace", "Find out from a recorded trace what happened in a run, in which order, and why");
  trace->require_subcommand(1);
  add_trace_reading(*trace);
  add_trace_diff_and_sql(*trace);
  add_trace_export_and_import(*trace);
  add_verify(program);
  add_replay(program);
}

}  // namespace nodezero::apps
