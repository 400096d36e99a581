// SPDX-License-Identifier: BSD-3-Clause
#include "verify/mutants/trace_difference.hpp"

#include <optional>
#include <vector>

#include "actors/laws/run_difference.hpp"
#include "verify/scenarios/traced_runs.hpp"

namespace nodezero::mutants {

namespace {

using runtime::trace::Trace;
using verify::Question;
using verify::explore::Choice;

/// True if every order of the messages leads to the same run.
bool has_one_outcome(const Question& question) {
  return question.faults == 0 && question.stops == 0 && question.inference == 0 &&
         question.clients == 0 && question.calls.empty();
}

std::string first_cause(const Trace& left, const Trace& right) {
  const auto found = actors::compare(left, right).differences;
  return found.empty() ? "" : found.front().sentence;
}

}  // namespace

TraceDifference trace_difference(const Mutant& mutant, const verify::Case& shows) {
  const auto& [question, found] = shows;
  std::optional<Trace> mutated;
  {
    const SwitchedOn on(names_of(mutant));
    mutated = verify::record_whole(question, found.schedule, verify::Rest::oldest_first);
  }
  const auto healthy = verify::record_whole(question, found.schedule, verify::Rest::oldest_first);
  TraceDifference difference{first_cause(healthy, *mutated), ""};
  if (has_one_outcome(question)) {
    difference.of_healthy_runs =
        first_cause(verify::record_whole(question, {}, verify::Rest::oldest_first),
                    verify::record_whole(question, {}, verify::Rest::newest_first));
  }
  return difference;
}

}  // namespace nodezero::mutants
