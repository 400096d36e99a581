// SPDX-License-Identifier: BSD-3-Clause
#include "verify/scenarios/small_case.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "verify/explore/replay.hpp"
#include "verify/explore/sampling.hpp"

namespace nodezero::verify {
namespace {

// Schedules that are drawn to see whether a simpler question shows the fault as well.
constexpr std::uint64_t tries = 200;

/// Rules are the same if they differ in numbers alone.
std::string without_numbers(std::string rule) {
  std::erase_if(rule, [](char c) { return c >= '0' && c <= '9'; });
  return rule;
}

/// The questions that ask one thing less, those that leave out most first.
std::vector<Question> simpler(const Question& question) {
  std::vector<Question> result;
  const auto with = [&](auto member, auto value) {
    if (question.*member != value) {
      Question changed = question;
      changed.*member = value;
      result.push_back(std::move(changed));
    }
  };
  with(&Question::epochs, std::uint64_t{1});
  with(&Question::steps, std::uint64_t{1});
  if (question.scope == Scope::run || question.scope == Scope::host) {
    with(&Question::spheres, 1U);
    with(&Question::work_in_place, true);
  } else if (question.scope == Scope::machines) {
    with(&Question::machines, 2U);
    with(&Question::joins, 0U);
    with(&Question::cuts, false);
    with(&Question::backups, false);
    with(&Question::duplicates, false);
  } else {
    for (const char* tree : {"(.)", "(..)", "((.))"}) {
      if (question.tree.size() > std::string(tree).size()) {
        with(&Question::tree, std::string(tree));
      }
    }
  }
  for (std::uint32_t fewer = 0; fewer < question.faults; ++fewer) {
    with(&Question::faults, fewer);
  }
  for (std::uint32_t fewer = 1; fewer < question.micro_batches; ++fewer) {
    with(&Question::micro_batches, fewer);
  }
  for (std::size_t i = 0; i < question.calls.size(); ++i) {
    with(&Question::calls, std::string(question.calls).erase(i, 1));
  }
  with(&Question::stops, 0U);
  with(&Question::inference, 0U);
  with(&Question::evaluate_every, std::uint64_t{0});
  with(&Question::checkpoint_every, std::uint64_t{0});
  with(&Question::lanes, 1U);
  return result;
}

std::optional<Case> ask(const Question& question, const std::string& rule,
                        std::uint64_t most_steps) {
  Session session(question);
  session.run().most_steps = most_steps;
  const auto report = explore::explore_randomly(session.run(), {.schedules = tries}, question.seed);
  if (!report.counterexample || without_numbers(report.counterexample->rule) != rule) {
    return std::nullopt;
  }
  return Case{question, explore::shrink(session.run(), *report.counterexample)};
}

}  // namespace

Case shrink(const Case& found, std::uint64_t most_steps) {
  Session session(found.question);
  session.run().most_steps = most_steps;
  Case best{found.question, explore::shrink(session.run(), found.counterexample)};
  const std::string rule = without_numbers(found.counterexample.rule);
  for (bool is_simpler = true; is_simpler;) {
    is_simpler = false;
    for (const auto& question : simpler(best.question)) {
      auto smaller = ask(question, rule, most_steps);
      if (smaller &&
          smaller->counterexample.schedule.size() <= best.counterexample.schedule.size()) {
        best = std::move(*smaller);
        is_simpler = true;
        break;
      }
    }
  }
  return best;
}

}  // namespace nodezero::verify
