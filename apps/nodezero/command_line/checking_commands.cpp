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
#include "apps/nodezero/terminal/json_answer.hpp"
#include "apps/nodezero/trace/trace_commands.hpp"

namespace nodezero::apps {

namespace {

using runtime::inspect::Filter;

void add_file(CLI::App& command, std::string& file) {
  command.add_option("FILE", file, "Trace from `nodezero train --trace`, or from a run folder")
      ->required()
      ->type_name("");
}

/// Adds --actor, --type, --epoch and --step to a command and, if its events have numbers,
/// --between.
void add_filter(CLI::App& command, Filter& filter, bool events_are_numbered = true) {
  const auto group = "Filters";
  command
      .add_option("--actor", filter.actors,
                  "Only events of this actor and messages to it, such as worker or \"worker 3\"; "
                  "may be given more than once")
      ->type_name("NAME")
      ->allow_extra_args(false)
      ->group(group);
  command
      .add_option("--type", filter.types,
                  "Only messages of this type, or changes to this state; may be given more than "
                  "once")
      ->type_name("NAME")
      ->allow_extra_args(false)
      ->group(group);
  command.add_option("--epoch", filter.epoch, "Only this epoch")->type_name("N")->group(group);
  command.add_option("--step", filter.step, "Only this step")->type_name("N")->group(group);
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
  struct Answered {
    std::string file;
    JsonOptions output;
  };
  auto* summary = trace.add_subcommand(
      "summary", "Show messages, actors, lane utilisation and each epoch's critical path");
  const auto summarized = std::make_shared<Answered>();
  add_file(*summary, summarized->file);
  add_json(*summary, summarized->output, true);
  summary->callback([summarized] { trace_summary(summarized->file, summarized->output); });

  auto* check =
      trace.add_subcommand("check", "Check the protocol's rules; exit code 1 if one is broken");
  const auto checked = std::make_shared<Answered>();
  add_file(*check, checked->file);
  add_json(*check, checked->output, true);
  check->callback([checked] { trace_check(checked->file, checked->output); });

  auto* why = trace.add_subcommand("why", "Explain why an event happened, message by message");
  const auto options = std::make_shared<WhyOptions>();
  add_file(*why, options->file);
  why->add_option("EVENT", options->event,
                  "Number of the event, as `trace show` prints it, or the id of a server's answer")
      ->required()
      ->type_name("");
  why->add_option("--depth", options->depth, "Most reasons to print; 0: all")
      ->type_name("N")
      ->capture_default_str();
  auto* mermaid = why->add_flag("--mermaid", options->mermaid,
                                "Draw the whole causal past as a Mermaid sequence diagram");
  add_json(*why, options->output, true);
  why->get_option("--json")->excludes(mermaid);
  why->callback([options] { trace_why(*options); });

  auto* show = trace.add_subcommand("show", "List events");
  const auto shown = std::make_shared<Shown>();
  add_file(*show, shown->file);
  add_filter(*show, shown->filter);
  show->callback([shown] { trace_show(shown->file, shown->filter); });

  auto* follow = trace.add_subcommand(
      "follow", "Print the events of a running program as it writes its trace");
  const auto followed = std::make_shared<Shown>();
  follow->add_option("FILE", followed->file, "Trace that `nodezero train --trace` is writing")
      ->required()
      ->type_name("");
  add_filter(*follow, followed->filter, false);
  follow->callback([followed] { trace_follow(followed->file, followed->filter); });
}

void add_trace_merge(CLI::App& trace) {
  auto* merge = trace.add_subcommand(
      "merge", "Make one trace of those that the machines of one run have recorded");
  const auto options = std::make_shared<MergeOptions>();
  merge
      ->add_option("FILES", options->files,
                   "A trace of each machine, the root's first; times are those of its clock")
      ->required()
      ->type_name("");
  merge->add_option("--out", options->out, "Trace file to write")->required()->type_name("FILE");
  merge->callback([options] { trace_merge(*options); });
}

void add_trace_diff_and_sql(CLI::App& trace) {
  auto* diff =
      trace.add_subcommand("diff", "Find where two runs part, and why; exit code 1 if they do");
  const auto compared = std::make_shared<DiffOptions>();
  diff->add_option("A", compared->left, "Trace of one run")->required()->type_name("");
  diff->add_option("B", compared->right, "Trace of the other")->required()->type_name("");
  const auto format = std::make_shared<std::string>();
  auto* page = diff->add_option("--format", *format,
                                "html: one page for any browser, with both runs side by side")
                   ->type_name("NAME")
                   ->check(CLI::IsMember({"html"}));
  diff->add_option("--out", compared->out, "File for the page; standard output if not given")
      ->type_name("FILE")
      ->needs(page);
  add_json(*diff, compared->output, true);
  diff->get_option("--json")->excludes(page);
  diff->callback([compared, format] {
    compared->as_page = !format->empty();
    trace_diff(*compared);
  });

  auto* sql = trace.add_subcommand(
      "sql", "Run an SQL query on the tables about, actors, events and messages");
  const auto asked = std::make_shared<SqlOptions>();
  sql->add_option("FILE", asked->file, "Trace to query")->required()->type_name("");
  sql->add_option("QUERY", asked->query,
                  "For example \"SELECT type, count(*) FROM messages GROUP BY type\"")
      ->required()
      ->type_name("");
  sql->add_option("--most-steps", asked->most_steps,
                  "Steps of SQLite's virtual machine after which the query is given up")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000'000}))
      ->type_name("N")
      ->capture_default_str();
  sql->callback([asked] { trace_sql(*asked); });
}

void add_trace_export_and_import(CLI::App& trace) {
  auto* command = trace.add_subcommand(
      "export", "Convert a trace for a browser, Perfetto, ShiViz, OpenTelemetry or SQLite");
  struct Exported {
    ExportOptions options;
    Filter filter;
  };
  const auto exported = std::make_shared<Exported>();
  auto& options = exported->options;
  command->add_option("FILE", options.file, "Trace to export")->required()->type_name("");
  command
      ->add_option("--format", options.format,
                   "html (one page for any browser), chrome (Perfetto), shiviz, mermaid, otlp "
                   "(OpenTelemetry), jsonl or sqlite")
      ->required()
      ->type_name("NAME")
      ->check(CLI::IsMember({"chrome", "shiviz", "mermaid", "otlp", "jsonl", "sqlite", "html"}));
  command->add_option("--out", options.out, "File to write; standard output if not given")
      ->type_name("FILE");
  command->add_option("--event", options.event, "For mermaid: the event whose past to draw")
      ->type_name("N");
  add_filter(*command, exported->filter);
  command->callback([exported] { trace_export(exported->options, exported->filter); });

  auto* import = trace.add_subcommand("import", "Turn exported JSON lines back into a trace");
  const auto lines = std::make_shared<std::string>(), file = std::make_shared<std::string>();
  import->add_option("LINES", *lines, "File written by `trace export --format jsonl`")
      ->required()
      ->type_name("");
  import->add_option("FILE", *file, "Trace file to write")->required()->type_name("");
  import->callback([lines, file] { trace_import(*lines, *file);
});
}  // namespace

/// A check for an option whose values are enumerators, by name.
template <class Enum>
CLI::Validator one_of(const std::map<std::string, Enum>& names) {
  return {[names](std::string& text) -> std::string {
            const auto found = names.find(text);
            if (found != names.end()) {
              text = std::to_string(static_cast<int>(found->second));
              return "";
            }
            std::string all;
            for (const auto& [name, value] : names) {
              all += (all.empty() ? "" : ", ") + name;
            }
            return "'" + text + "' is not one of " + all;
          },
          ""};
}

void add_question(CLI::App& command, verify::Question& question) {
  const std::map<std::string, verify::Scope> scopes = {{"bare", verify::Scope::bare},
                                                       {"tree", verify::Scope::tree},
                                                       {"run", verify::Scope::run},
                                                       {"host", verify::Scope::host},
                                                       {"machines", verify::Scope::machines}};
  auto* mode = command.add_option("--mode", question.mode,
                                  "exhaustive: every state; classes: one schedule of each class "
                                  "that differs; random; pct: random by priorities; twice: "
                                  "random, each run again to compare states; traced: random, "
                                  "recorded twice and checked as by `trace check`");
  mode->transform(one_of(verify::mode_names()))->type_name("MODE");
  command
      .add_option("--scope", question.scope,
                  "run: all actors; host: all actors and the calls of a host; tree: node_zero, "
                  "spheres and optimizer; bare: as tree, with reports only; machines: several "
                  "machines, on each an exchange")
      ->transform(one_of(scopes))
      ->type_name("SCOPE");
  command.add_option("--seed", question.seed, "Seed of the random modes")->type_name("N");
  command
      .add_option("--depth", question.depth,
                  "For pct: number of steps whose order a bug depends on")
      ->check(CLI::Range(1, 100))
      ->type_name("N");
  command.add_option("--spheres", question.spheres, "Worker spheres")
      ->check(CLI::Range(1, 2000))
      ->type_name("N");
  command.add_option("--symmetry", question.symmetry, "Most children of a sphere")
      ->check(CLI::Range(2, 1000))
      ->type_name("N");
  command
      .add_option("--tree", question.tree,
                  "Shape of the tree in scopes tree and bare, such as '((..)(..))'")
      ->type_name("TREE");
  command.add_option("--epochs", question.epochs, "Epochs")
      ->check(CLI::Range(1, 1000))
      ->type_name("N");
  command.add_option("--steps", question.steps, "Steps per epoch")
      ->check(CLI::Range(0, 1000))
      ->type_name("N");
  command
      .add_option("--micro-batches", question.micro_batches,
                  "Micro-batches per step; 0: one per worker")
      ->check(CLI::Range(0, 10000))
      ->type_name("N");
  command.add_option("--lanes", question.lanes, "Lanes")->check(CLI::Range(1, 64))->type_name("N");
  command.add_flag("--work-in-place", question.work_in_place,
                   "Let lanes, corpus and checkpointer answer at once");
  command.add_option("--checkpoint-every", question.checkpoint_every, "Steps between checkpoints")
      ->type_name("N");
  command.add_option("--evaluate-every", question.evaluate_every, "Steps between validations")
      ->type_name("N");
  command.add_option("--inference", question.inference, "Requests for text, each at any moment")
      ->check(CLI::Range(0, 100))
      ->type_name("K");
  command.add_option("--inference-policy", question.policy, "snapshot, wait or refuse")
      ->check(CLI::IsMember({"snapshot", "wait", "refuse"}))
      ->type_name("NAME");
  command
      .add_option(
          "--clients", question.clients,
          "Clients of a server, each at any moment; every other one waits for an epoch's end")
      ->check(CLI::Range(0, 100))
      ->type_name("K");
  command
      .add_option("--leaving", question.leaving,
                  "Clients among them that leave, each at any moment")
      ->check(CLI::Range(0, 100))
      ->type_name("K");
  command
      .add_option("--versions", question.versions,
                  "Versions that answers to clients may hold; 0: any number")
      ->check(CLI::Range(0, 100))
      ->type_name("N");
  command.add_flag("--stop{1}", question.stops, "Add a request to stop, at any moment");
  command
      .add_option(
          "--calls", question.calls,
          "Calls in scope host, each at any moment, one letter per call: p(redict), s(ave), "
          "r(estore), b (submit a batch), c(lose); w(ithhold) a batch until then")
      ->type_name("CALLS");
  command
      .add_option("--machines", question.machines,
                  "Machines in scope machines, the root's among them")
      ->check(CLI::Range(1, 64))
      ->type_name("N");
  command.add_option("--joins", question.joins, "Hosts that join, each at any moment")
      ->check(CLI::Range(0, 64))
      ->type_name("N");
  command.add_flag("--cuts", question.cuts,
                   "Also count a connection that ends between a host and the root as a fault");
  command.add_flag("--backups", question.backups,
                   "Also count it as a fault that the last machine that computes counts as slow, "
                   "so that another one computes what it has not finished");
  command.add_option("--faults", question.faults, "Most faults in one run, such as dying spheres")
      ->check(CLI::Range(0, 100))
      ->type_name("N");
  command.add_flag("--duplicates", question.duplicates,
                   "Also count a duplicated message as a fault");
  command.add_flag("--timers", question.timers, "Also count an early timeout as a fault");
}

void add_verify(CLI::App& program) {
  auto* command = program.add_subcommand(
      "verify", "Check the protocol's handlers in every order their messages can arrive");
  const auto options = std::make_shared<VerifyOptions>();
  add_question(*command, options->question);
  command->add_option("--schedules", options->schedules, "Number of schedules in the random modes")
      ->type_name("N");
  command->add_option("--seconds", options->bounds.cpu_seconds, "Stop after this much CPU time")
      ->type_name("S");
  command->add_option("--jobs", options->jobs, "Threads, for the suite")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  command->add_flag("--pairs", options->pairs,
                    "List which messages were handled in which states, and which never were");
  command->add_option("--out", options->out, "File for the schedule of a violation")
      ->type_name("FILE");
  command->add_option("--replay", options->replay, "Run the schedule of a violation again")
      ->type_name("FILE");
  command->add_flag("--full", options->full,
                    "Run the whole suite, which takes about a quarter of an hour; without options "
                    "the short one runs");
  add_json(*command, options->output, true);
  command->callback([options, command] {
    options->asks = command->count("--mode") + command->count("--scope") +
                        command->count("--tree") + command->count("--spheres") >
                    0;
    verify_command(*options);
  });
}

void add_replay(CLI::App& program) {
  auto* command = program.add_subcommand(
      "replay", "Replay a recorded run on one thread and compare every event");
  const auto request = std::make_shared<ReplayRequest>();
  command->add_option("FILE", request->file, "Trace recorded with `nodezero train --trace`")
      ->required()
      ->type_name("");
  command->add_option("--until", request->until, "Stop at this event and print every actor's state")
      ->type_name("EVENT");
  command->callback([request] { replay_command(*request); });
}

}  // namespace nodezero::apps

void add_checking_commands(CLI::App& program) {
  auto* trace = program.add_subcommand(
      "trace", "Find out from a recorded trace what happened in a run, in what order, and why");
  trace->require_subcommand(1);
  add_trace_reading(*trace);
  add_trace_merge(*trace);
  add_trace_diff_and_sql(*trace);
  add_trace_export_and_import(*trace);
  add_verify(program);
  add_replay(program);
}

}  // namespace nodezero::apps
