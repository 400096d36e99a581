// SPDX-License-Identifier: BSD-3-Clause
#include "verify/mutants/mutants.hpp"

#include "verify/explore/replay.hpp"
#include "verify/scenarios/message_digests.hpp"

namespace nodezero::verify {
namespace {

#ifdef NODEZERO_MUTANTS
void switch_on(const std::vector<actors::Mutant>& mutants) {
  actors::active_mutants.reset();
  for (const auto mutant : mutants) {
    actors::active_mutants.set(static_cast<std::size_t>(mutant));
  }
}
#else
void switch_on(const std::vector<actors::Mutant>&) {}
#endif

}  // namespace

std::optional<Kill> kill(const std::vector<actors::Mutant>& mutants, Mode mode,
                         std::uint64_t schedules) {
  constexpr std::uint64_t most_steps = 2000;
  switch_on(mutants);
  std::optional<Kill> result;
  std::uint64_t asked = 0;
  for (auto question : mutant_questions()) {
    question.mode = mode;
    Session session(question);
    session.run().most_steps = most_steps;
    explore::Bounds bounds;
    bounds.cpu_seconds = 20;
    if (mode == Mode::exhaustive) {
      bounds.states = 20 * schedules;
    } else {
      bounds.schedules = schedules;
    }
    const auto report = session.explore(bounds);
    asked += mode == Mode::exhaustive ? report.states : report.schedules;
    if (report.counterexample) {
      result = Kill{asked, shrink({question, *report.counterexample}, most_steps), ""};
      const auto& [small, counterexample] = result->small;
      Session again(small);
      again.run().most_steps = most_steps;
      result->diagram = explore::sequence_diagram(again.run(), counterexample, describe_message);
      break;
    }
  }
  switch_on({});
  return result;
}

}  // namespace nodezero::verify
