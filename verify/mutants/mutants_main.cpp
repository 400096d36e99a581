// SPDX-License-Identifier: BSD-3-Clause

// Switches on one mutant after the other and tells which of them the checker notices. Built from
// the copy of the sources that contains them; the program nodezero has none.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "verify/mutants/kill.hpp"
#include "verify/mutants/trace_difference.hpp"

namespace {

using namespace nodezero::mutants;
using nodezero::verify::Mode;

struct Asking {
  std::uint64_t schedules = 1000;
  bool in_all_modes = false;
  bool shows_diagrams = false;
};

/// What was found out about a mutant.
struct Finding {
  std::string asked;  ///< how often, by mode: columns of the table
  std::optional<Kill> shortest;
  TraceDifference traces;
};

std::size_t length(const Kill& kill) {
  return kill.small.counterexample.schedule.size();
}

Finding ask(const Mutant& mutant, const Asking& asking) {
  std::vector<Mode> modes = {Mode::random};
  if (asking.in_all_modes) {
    modes = {Mode::random, Mode::pct, Mode::exhaustive};
  }
  Finding finding;
  for (const Mode mode : modes) {
    auto found = kill(mutant, mode, asking.schedules);
    finding.asked += found ? fmt::format("{} | ", found->asked) : "- | ";
    if (found && (!finding.shortest || length(*found) < length(*finding.shortest))) {
      finding.shortest = std::move(found);
    }
  }
  // What several machines record is one trace each, and is not compared.
  if (finding.shortest && !is_of_machines(mutant)) {
    finding.traces = trace_difference(mutant, finding.shortest->small);
  }
  return finding;
}

/// What is not as the table of mutants says; empty if all is.
std::string objection(const Mutant& mutant, const Finding& finding, const Asking& asking) {
  if (finding.shortest.has_value() != mutant.equivalent.empty()) {
    return finding.shortest ? "(!) not equivalent" : "(!) survived";
  }
  if (!finding.traces.of_healthy_runs.empty()) {
    return "(!) healthy runs differ: " + finding.traces.of_healthy_runs;
  }
  if (finding.shortest && finding.traces.sentence.empty() && mutant.untold.empty() &&
      !is_of_machines(mutant)) {
    return "(!) its trace does not differ";
  }
  // Another mode may find another schedule, in which it shows.
  if (!finding.traces.sentence.empty() && !mutant.untold.empty() && !asking.in_all_modes) {
    return "(!) its trace differs";
  }
  return "";
}

void print(const Mutant& mutant, const Finding& finding, const std::string& objection,
           bool with_diagram) {
  const auto& shortest = finding.shortest;
  fmt::print("| {}: {} | {} | {}{} | {}{} | {} | {} |\n", mutant.name, mutant.breaks, mutant.rows,
             shortest ? "killed" : "equivalent", objection, finding.asked,
             shortest ? std::to_string(length(*shortest)) : "-",
             shortest ? shortest->small.counterexample.rule : mutant.equivalent,
             finding.traces.sentence.empty() ? mutant.untold : finding.traces.sentence);
  if (shortest && with_diagram) {
    fmt::print("\n```mermaid\n{}```\n\n", shortest->diagram);
  }
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App program("Tells which faults of the protocol its verification notices");
  Asking asking;
  std::string only;
  program.add_option("--schedules", asking.schedules,
                     "For each question that is asked of a mutant");
  program.add_flag("--all-modes", asking.in_all_modes, "Also by priorities and exhaustively");
  program.add_option("--only", only, "One mutant");
  bool of_machines = false;
  program.add_flag("--machines", of_machines,
                   "Those in what several machines say to each other, which take longer");
  program.add_flag("--diagrams", asking.shows_diagrams, "Show the shortest schedules");
  CLI11_PARSE(program, argc, argv);

  int wrong = 0;
  std::size_t untold = 0, equivalent = 0;
  std::vector<std::size_t> lengths;
  fmt::print(
      "| mutant | rows | verdict | {}steps shrunk | rule that is broken, or reason | "
      "what `trace diff` says, or why nothing |\n",
      asking.in_all_modes ? "random | priorities | states | " : "asked | ");
  fmt::print("|---|---|---|---{}|---|---|---|\n", asking.in_all_modes ? "|---|---" : "");
  for (const auto& mutant : all()) {
    if (only.empty() ? is_of_machines(mutant) != of_machines : mutant.name != only) {
      continue;
    }
    const auto finding = ask(mutant, asking);
    const auto objections = objection(mutant, finding, asking);
    print(mutant, finding, objections, asking.shows_diagrams);
    wrong += !objections.empty();
    if (finding.shortest) {
      lengths.push_back(length(*finding.shortest));
      untold += finding.traces.sentence.empty();
    } else {
      ++equivalent;
    }
  }
  if (!lengths.empty()) {
    std::ranges::sort(lengths);
    fmt::print(
        "\n{} mutants were noticed, {} are equivalent; the median of the shrunk schedules has {} "
        "steps. The traces of {} differ from those of the same run without them.\n",
        lengths.size(), equivalent, lengths[lengths.size() / 2], lengths.size() - untold);
  }
  return wrong == 0 ? 0 : 1;
}
