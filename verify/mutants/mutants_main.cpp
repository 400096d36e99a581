// SPDX-License-Identifier: BSD-3-Clause

// Switches on one mutant after the other and tells which of them the checker notices. Built from
// the copy of the sources that contains them; the program nodezero has none.

#include <algorithm>
#include <cstdio>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "verify/mutants/kill.hpp"

int main(int argc, char** argv) {
  using namespace nodezero::mutants;
  using nodezero::verify::Mode;
  CLI::App program("Tells which faults of the protocol its verification notices");
  std::uint64_t schedules = 1000;
  bool all_modes = false;
  std::string only;
  bool diagrams = false;
  program.add_option("--schedules", schedules, "For each question that is asked of a mutant");
  program.add_flag("--all-modes", all_modes, "Also by priorities and exhaustively");
  program.add_option("--only", only, "One mutant");
  program.add_flag("--diagrams", diagrams, "Show the shortest schedules");
  CLI11_PARSE(program, argc, argv);

  int wrong = 0;
  std::size_t equivalent = 0;
  std::vector<std::size_t> lengths;
  fmt::print("| mutant | rows | verdict | {}steps shrunk | rule that is broken, or reason |\n",
             all_modes ? "random | priorities | states | " : "asked | ");
  fmt::print("|---|---|---|---{}|---|---|\n", all_modes ? "|---|---" : "");
  for (const auto& mutant : all()) {
    if (!only.empty() && mutant.name != only) {
      continue;
    }
    std::vector<Mode> modes = {Mode::random};
    if (all_modes) {
      modes = {Mode::random, Mode::pct, Mode::exhaustive};
    }
    std::string asked;
    std::optional<Kill> shortest;
    const auto length = [](const Kill& kill) { return kill.small.counterexample.schedule.size(); };
    for (const Mode mode : modes) {
      const auto found = kill(mutant, mode, schedules);
      asked += found ? fmt::format("{} | ", found->asked) : "- | ";
      if (found && (!shortest || length(*found) < length(*shortest))) {
        shortest = found;
      }
    }
    const bool is_right = shortest.has_value() == mutant.equivalent.empty();
    wrong += !is_right;
    equivalent += !mutant.equivalent.empty();
    if (shortest) {
      lengths.push_back(length(*shortest));
    }
    const char* verdict = shortest                    ? "killed"
                          : mutant.equivalent.empty() ? "survived"
                                                      : "equivalent";
    fmt::print("| {}: {} | {} | {}{} | {}{} | {} |\n", mutant.name, mutant.breaks, mutant.rows,
               verdict, is_right ? "" : "(!)", asked,
               shortest ? std::to_string(length(*shortest)) : "-",
               shortest ? shortest->small.counterexample.rule : mutant.equivalent);
    if (shortest && diagrams) {
      fmt::print("\n```mermaid\n{}```\n\n", shortest->diagram);
    }
    std::fflush(stdout);
  }
  if (!lengths.empty()) {
    std::ranges::sort(lengths);
    fmt::print(
        "\n{} mutants were noticed, {} are equivalent; the median of the shrunk schedules has {} "
        "steps\n",
        lengths.size(), equivalent, lengths[lengths.size() / 2]);
  }
  return wrong == 0 ? 0 : 1;
}
