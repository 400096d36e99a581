// SPDX-License-Identifier: BSD-3-Clause

// Switches on one fault of the protocol after the other and tells which of them the explorer
// notices. Built with the faults, which the program nodezero does not have.

#include <algorithm>
#include <cstdio>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "verify/mutants/mutants.hpp"

int main(int argc, char** argv) {
  using namespace nodezero::verify;
  CLI::App program("Tells which faults of the protocol its verification notices");
  std::uint64_t schedules = 1000;
  bool all_modes = false;
  std::string only;
  bool diagrams = false;
  program.add_option("--schedules", schedules, "For each question that is asked of a fault");
  program.add_flag("--all-modes", all_modes, "Also by priorities and exhaustively");
  program.add_option("--only", only, "One fault");
  program.add_flag("--diagrams", diagrams, "Show the shortest schedules");
  CLI11_PARSE(program, argc, argv);

  const std::vector<Mode> modes = all_modes ? std::vector{Mode::random, Mode::pct, Mode::exhaustive}
                                            : std::vector{Mode::random};
  int wrong = 0;
  std::vector<std::size_t> lengths;
  fmt::print("| fault | rows | verdict | {}steps shrunk | rule that is broken |\n",
             all_modes ? "random | priorities | states | " : "schedules | ");
  fmt::print("|---|---|---|---{}|---|---|\n", all_modes ? "|---|---" : "");
  for (const auto& entry : mutant_entries()) {
    if (!only.empty() && entry.name != only) {
      continue;
    }
    std::string asked;
    std::optional<Kill> shortest;
    const auto length = [](const Kill& kill) { return kill.small.counterexample.schedule.size(); };
    for (const Mode mode : modes) {
      const auto found = kill(entry.mutants, mode, schedules);
      asked += found ? fmt::format("{} | ", found->asked) : "- | ";
      if (found && (!shortest || length(*found) < length(*shortest))) {
        shortest = found;
      }
    }
    const bool is_right = shortest.has_value() == entry.equivalent.empty();
    wrong += !is_right;
    if (shortest) {
      lengths.push_back(length(*shortest));
    }
    const char* verdict = shortest                   ? "killed"
                          : entry.equivalent.empty() ? "survived"
                                                     : "equivalent";
    fmt::print("| {}: {} | {} | {}{} | {}{} | {} |\n", entry.name, entry.what, entry.rows, verdict,
               is_right ? "" : "(!)", asked, shortest ? std::to_string(length(*shortest)) : "-",
               shortest ? shortest->small.counterexample.rule : entry.equivalent);
    if (shortest && diagrams) {
      fmt::print("\n```mermaid\n{}```\n\n", shortest->diagram);
    }
    std::fflush(stdout);
  }
  if (!lengths.empty()) {
    std::ranges::sort(lengths);
    fmt::print("\n{} faults were noticed; the median of the shrunk schedules has {} steps\n",
               lengths.size(), lengths[lengths.size() / 2]);
  }
  return wrong == 0 ? 0 : 1;
}
