// Whole runs: every actor of production but the lanes, with a stop and a request for inference
// at any moment.

#include <set>

#include <gtest/gtest.h>

#include "actors/step_reduction.hpp"
#include "apps/verify/session.hpp"
#include "runtime/explore/replay.hpp"

namespace nodezero::apps::verify {
namespace {

namespace explore = runtime::explore;

void expect_all(const Question& question) {
  const auto report = Session(question).explore({.cpu_seconds = 60});
  EXPECT_FALSE(report.counterexample)
      << report.counterexample->rule << "\n" << question.text();
  EXPECT_TRUE(report.complete) << report.states << " states in " << question.text();
}

TEST(RunTest, EndsInEveryOrder) {
  Question question;
  question.epochs = 2;
  expect_all(question);
}

TEST(RunTest, StopsAtAnyMoment) {  // A5, A10, A11
  Question question;
  question.stops = 1;
  expect_all(question);
}

TEST(RunTest, AnswersInferenceAtAnyMomentFromOneCompleteVersion) {  // A2
  Question question;
  question.spheres = 1;
  question.epochs = 2;
  question.inference = 1;
  expect_all(question);
  question.policy = "wait";
  expect_all(question);
  question.policy = "refuse";
  expect_all(question);
}

TEST(RunTest, AScheduleReplaysToTheSameState) {
  Question question;
  question.spheres = 12;
  question.lanes = 2;
  question.inference = 1;
  question.mode = Mode::random;
  Session session(question);
  auto& run = session.run();
  run.network().fingerprints = true;
  run.restart();
  std::vector<explore::Choice> schedule;
  std::uint64_t draw = 1;
  while (!run.over()) {
    const auto choices = run.choices();
    draw = runtime::Fingerprint::mix(draw);
    schedule.push_back(choices[draw % choices.size()]);
    run.take(schedule.back());
  }
  EXPECT_TRUE(run.violation().empty()) << run.violation();
  const auto end = run.fingerprint();
  for (int i = 0; i < 200; ++i) {
    run.restart();
    for (const auto& choice : schedule) {
      ASSERT_TRUE(run.is_possible(choice));
      run.take(choice);
    }
    ASSERT_TRUE(run.over());
    ASSERT_EQ(run.fingerprint(), end);
  }
}

TEST(StateDigest, OfAReductionTellsWhatArrivedAndNotInWhichOrder) {
  const auto part = [](std::uint32_t position) {
    actors::Partial result;
    result.range = {position, position + 1};
    result.loss = {1.0, 1};
    return result;
  };
  const auto after = [&](const std::vector<std::uint32_t>& positions) {
    actors::StepReduction reduction(4, {0, 2, 3});
    for (const std::uint32_t position : positions) {
      (void)reduction.put(part(position));
    }
    return reduction.state_digest();
  };
  EXPECT_EQ(after({0, 2}), after({2, 0}));
  std::set<std::uint64_t> different = {after({}), after({0}), after({2}), after({3}), after({0, 2}),
                                       after({0, 3}), actors::StepReduction(4, {0, 2}).state_digest()};
  EXPECT_EQ(different.size(), 7u);
}

TEST(Question, SurvivesItsText) {
  Question question;
  question.scope = Scope::tree;
  question.mode = Mode::pct;
  question.tree = "((..)(..))";
  question.faults = 2;
  question.seed = 0xfeedfacecafebeef;
  EXPECT_EQ(Question::from_text(question.text()).text(), question.text());
  EXPECT_THROW(Question::from_text("{}"), std::invalid_argument);
}

}  // namespace
}  // namespace nodezero::apps::verify
