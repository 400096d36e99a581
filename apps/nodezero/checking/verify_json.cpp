// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/checking/verify_json.hpp"

#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/nodezero/common.hpp"
#include "verify/explore/replay.hpp"
#include "verify/scenarios/message_digests.hpp"
#include "verify/scenarios/small_case.hpp"
#include "verify/scenarios/suite.hpp"

namespace nodezero::apps {

namespace {

using nlohmann::ordered_json;
using verify::Question;
using verify::Session;
using verify::explore::Counterexample;
using verify::explore::Coverage;
using verify::explore::Report;

/// All that was asked under one name.
struct Asked {
  std::string name;
  std::uint64_t questions = 0, states = 0, schedules = 0, deliveries = 0;
  bool complete = true;
  double cpu_seconds = 0;

  void add(const Report& report) {
    ++questions;
    states += report.states;
    schedules += report.schedules;
    deliveries += report.deliveries;
    complete = complete && report.complete;
    cpu_seconds += report.cpu_seconds;
  }
};

struct Answers {
  std::vector<Asked> asked;
  Coverage coverage;
  std::optional<std::pair<Question, Counterexample>> broken;

  void add(const std::string& name, const Question& question, const Report& report) {
    if (asked.empty() || asked.back().name != name) {
      asked.push_back({.name = name});
    }
    asked.back().add(report);
    coverage.add(report.coverage);
    if (report.counterexample) {
      broken = {question, *report.counterexample};
    }
  }
};

ordered_json violation_as_json(Session& session, const Counterexample& found) {
  return {{"rule", found.rule},
          {"steps", found.schedule.size()},
          {"diagram",
           verify::explore::sequence_diagram(session.run(), found, verify::describe_message)}};
}

/// The shortest schedule that was found, which is also written to a file.
ordered_json shrunk_as_json(const Question& question, const Counterexample& found,
                            const std::string& out) {
  const auto [simple, small] = verify::shrink({question, found});
  Session session(simple);
  auto violation = violation_as_json(session, small);
  violation["reduced_from"] = found.schedule.size();
  violation["question"] = simple.text();
  violation["schedule"] = out;
  if (const auto written = verify::explore::write_schedule(out, {simple.text(), small.schedule});
      !written) {
    throw CommandError(exit_failure, written.error());
  }
  return violation;
}

Answers ask(const VerifyOptions& options) {
  Answers answers;
  if (!options.asks) {
    verify::answer(verify::suite(options.full), options.jobs,
                   [&](const verify::SuiteEntry& entry, const Report& report) {
                     answers.add(entry.name, entry.question, report);
                     return !answers.broken;
                   });
    return answers;
  }
  Session session(options.question);
  auto bounds = options.bounds;
  const auto mode = options.question.mode;
  if (mode != verify::Mode::exhaustive && mode != verify::Mode::classes) {
    bounds.schedules = options.schedules;
  }
  answers.add(options.question.text(), options.question, session.explore(bounds));
  return answers;
}

ordered_json pairs_as_json(const Coverage& coverage) {
  auto pairs = ordered_json::array();
  const auto add = [&](const Coverage::Pair& pair, std::uint64_t times) {
    pairs.push_back({{"actor", pair.actor},
                     {"state", pair.state},
                     {"message", pair.message},
                     {"times", times}});
  };
  for (const auto& [pair, times] : coverage.met()) {
    add(pair, times);
  }
  for (const auto& pair : coverage.unmet()) {
    add(pair, 0);
  }
  return pairs;
}

/// Prints the answer, and ends the program if a rule is broken.
void print(ordered_json answer, ordered_json violation) {
  const bool is_broken = !violation.is_null();
  answer["violation"] = std::move(violation);
  print_json(answer);
  if (is_broken) {
    std::fflush(stdout);
    throw CommandExit{exit_failure};
  }
}

void replay(const VerifyOptions& options) {
  const auto schedule = verify::explore::read_schedule(options.replay);
  if (!schedule) {
    throw CommandError(exit_bad_input, schedule.error());
  }
  Session session(Question::from_text(schedule->header));
  const auto again = verify::explore::replay(session.run(), schedule->steps);
  auto answer = json_answer("verify");
  answer["steps"] = again.schedule.size();
  print(std::move(answer),
        again.rule.empty() ? ordered_json(nullptr) : violation_as_json(session, again));
}

}  // namespace

void verify_as_json(const VerifyOptions& options) {
  if (!options.replay.empty()) {
    replay(options);
    return;
  }
  const auto answers = ask(options);
  auto answer = json_answer("verify");
  auto& asked = answer["asked"] = ordered_json::array();
  for (const auto& one : answers.asked) {
    asked.push_back({{"name", one.name},
                     {"configurations", one.questions},
                     {"states", one.states},
                     {"schedules", one.schedules},
                     {"deliveries", one.deliveries},
                     {"complete", one.complete},
                     {"cpu_seconds", one.cpu_seconds}});
  }
  answer["pairs_met"] = answers.coverage.met().size();
  answer["pairs_unmet"] = answers.coverage.unmet().size();
  if (options.pairs) {
    add_page(answer, "pairs", pairs_as_json(answers.coverage), options.output);
  }
  print(std::move(answer),
        answers.broken ? shrunk_as_json(answers.broken->first, answers.broken->second, options.out)
                       : ordered_json(nullptr));
}

}  // namespace nodezero::apps
