#include "apps/verify/mutants.hpp"

#include "apps/verify/message_digests.hpp"
#include "runtime/explore/replay.hpp"

namespace nodezero::apps::verify {
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
  switch_on(mutants);
  std::optional<Kill> result;
  std::uint64_t runs = 0;
  const auto questions = mutant_questions();
  for (std::size_t i = 0; i < questions.size() && !result; ++i) {
    Question question = questions[i];
    question.mode = mode;
    Session session(question);
    session.run().most_steps = 2000;
    runtime::explore::Bounds bounds;
    bounds.cpu_seconds = 20;
    if (mode == Mode::random || mode == Mode::pct) {
      bounds.schedules = schedules;
    } else {
      bounds.states = 20 * schedules;
    }
    const auto report = session.explore(bounds);
    runs += report.runs;
    if (report.counterexample) {
      const auto small = runtime::explore::shrink(session.run(), *report.counterexample);
      result = Kill{runs,
                    i,
                    small.rule,
                    report.counterexample->schedule.size(),
                    small.schedule.size(),
                    runtime::explore::sequence_diagram(session.run(), small, describe_message)};
    }
  }
  switch_on({});
  return result;
}

}  // namespace nodezero::apps::verify
