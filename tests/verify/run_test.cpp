// SPDX-License-Identifier: BSD-3-Clause

// Whole runs: every actor of production but the lanes, with a stop and a request for inference
// at any moment.

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <set>

#include <gtest/gtest.h>

#include "actors/fingerprints.hpp"
#include "actors/spheres/step_reduction.hpp"
#include "verify/explore/draws.hpp"
#include "verify/explore/replay.hpp"
#include "verify/scenarios/ledger.hpp"
#include "verify/scenarios/session.hpp"
#include "verify/scenarios/small_case.hpp"
#include "verify/scenarios/temporary_file.hpp"

namespace nodezero::verify {
namespace {

void expect_no_rule_broken(const Question& question) {
  const auto report = Session(question).explore({.cpu_seconds = 60});
  EXPECT_FALSE(report.counterexample) << report.counterexample->rule << "\n" << question.text();
  EXPECT_TRUE(report.complete) << report.states << " states in " << question.text();
}

TEST(RunTest, EndsInEveryOrder) {
  Question question;
  question.epochs = 2;
  expect_no_rule_broken(question);
}

TEST(RunTest, StopsAtAnyMoment) {  // A5, A10, A11
  Question question;
  question.stops = 1;
  expect_no_rule_broken(question);
}

TEST(RunTest, AnswersInferenceAtAnyMomentFromOneCompleteVersion) {  // A2
  Question question;
  question.spheres = 1;
  question.epochs = 2;
  question.inference = 1;
  expect_no_rule_broken(question);
  question.policy = "wait";
  expect_no_rule_broken(question);
  question.policy = "refuse";
  expect_no_rule_broken(question);
}

TEST(RunTest, AScheduleFileReplaysToTheSameEventsAndStateAThousandTimes) {
  Question question;
  question.spheres = 12;
  question.lanes = 2;
  question.inference = 1;
  question.mode = Mode::random;
  std::vector<explore::Choice> schedule;
  std::vector<std::uint64_t> states;  // after each step
  const auto file = TemporaryFile();
  {
    Session session(question);
    auto& run = session.run();
    run.network().fingerprints = true;
    run.restart();
    explore::Draws draws(question.seed, 0);
    while (!run.over()) {
      const auto choices = run.choices();
      schedule.push_back(choices[draws.below(choices.size())]);
      run.take(schedule.back());
      states.push_back(run.fingerprint());
    }
    EXPECT_TRUE(run.violation().empty()) << run.violation();
    ASSERT_TRUE(explore::write_schedule(file.path(), {question.text(), schedule}));
  }
  // Four bytes a step behind a header of two lines.
  EXPECT_EQ(std::filesystem::file_size(file.path()), 4 * schedule.size() + question.text().size() +
                                                         1 + std::strlen("nodezero schedule 1\n"));
  const auto read = explore::read_schedule(file.path());
  ASSERT_TRUE(read);
  Session session(Question::from_text(read->header));
  auto& run = session.run();
  run.network().fingerprints = true;
  for (int i = 0; i < 1000; ++i) {
    run.restart();
    for (std::size_t step = 0; step < read->steps.size(); ++step) {
      ASSERT_TRUE(run.is_possible(read->steps[step]));
      run.take(read->steps[step]);
      ASSERT_EQ(run.fingerprint(), states[step]);
    }
    ASSERT_TRUE(run.over());
  }
}

void expect_the_same_twice(Mode mode, std::uint64_t schedules) {
  Question question;
  question.spheres = 4;
  question.lanes = 2;
  question.stops = 1;
  question.inference = 1;
  question.faults = 1;
  question.mode = mode;
  const auto report = Session(question).explore({.schedules = schedules});
  EXPECT_EQ(report.schedules, schedules);
  EXPECT_FALSE(report.counterexample) << report.counterexample->rule;
}

TEST(RunTest, ASeedGivesTheSameBytesOfTraceAgain) {
  expect_the_same_twice(Mode::traced, 20);
}

TEST(RunTest, NothingButTheScheduleDecidesWhatHappens) {
  expect_the_same_twice(Mode::twice, 50);
}

// What is not followed by the reduction must lead nowhere else.
TEST(RunTest, TheReductionReachesAllEnds) {
  std::vector<Question> questions;
  Question tree;
  tree.scope = Scope::tree;
  for (const char* text : {"(.)", "(..)", "((.))"}) {
    tree.tree = text;
    tree.epochs = 2;
    tree.faults = 0;
    questions.push_back(tree);
    tree.epochs = 1;
    tree.faults = 1;
    questions.push_back(tree);
  }
  Question run;
  run.spheres = 1;
  questions.push_back(run);
  run.stops = 1;
  questions.push_back(run);
  run.inference = 1;
  questions.push_back(run);
  run.inference = 0;
  run.spheres = 2;
  questions.push_back(run);
  for (auto& question : questions) {
    const auto reduced = Session(question).explore({});
    question.reduced = false;
    const auto whole = Session(question).explore({});
    EXPECT_TRUE(whole.complete && reduced.complete) << question.text();
    EXPECT_EQ(whole.ends, reduced.ends) << question.text();
    EXPECT_LE(reduced.states, whole.states);
  }
}

TEST(RunTest, AViolationIsShownByTheSimplestQuestionThatHasIt) {
  Question question;
  question.spheres = 5;
  question.epochs = 2;
  question.steps = 2;
  question.stops = 1;
  question.inference = 2;
  question.faults = 1;
  question.mode = Mode::random;
  constexpr std::uint64_t most_steps = 12;  // so that every run of more is one
  explore::Counterexample found;
  {
    Session session(question);
    session.run().most_steps = most_steps;
    const auto report = session.explore({.schedules = 100});
    ASSERT_TRUE(report.counterexample);
    found = *report.counterexample;
  }
  const auto small = shrink({question, found}, most_steps);
  EXPECT_EQ(small.question.spheres, 1u);
  EXPECT_EQ(small.question.epochs * small.question.steps, 1u);
  EXPECT_EQ(small.question.inference + small.question.stops + small.question.faults, 0u);
  EXPECT_LE(small.counterexample.schedule.size(), found.schedule.size());
  Session session(small.question);
  session.run().most_steps = most_steps;
  EXPECT_EQ(explore::replay(session.run(), small.counterexample.schedule).rule, found.rule);
}

class NoKeys : public runtime::ActorKeys {
 public:
  std::uint64_t key(caf::actor_id) const override { return 0; }
};

TEST(StateDigest, OfAReductionTellsWhatArrivedAndNotInWhichOrder) {
  const auto part = [](std::uint32_t position) {
    actors::Partial result;
    result.range = {position, position + 1};
    result.loss = {1.0, 1};
    return result;
  };
  const auto after = [&](const std::vector<std::uint32_t>& positions) {
    actors::StepReduction reduction(actors::PositionTree(4), {0, 2, 3});
    for (const std::uint32_t position : positions) {
      (void)reduction.put(part(position));
    }
    return runtime::fingerprint(NoKeys(), reduction);
  };
  EXPECT_EQ(after({0, 2}), after({2, 0}));
  std::set<std::uint64_t> different = {
      after({}),
      after({0}),
      after({2}),
      after({3}),
      after({0, 2}),
      after({0, 3}),
      runtime::fingerprint(NoKeys(), actors::StepReduction(actors::PositionTree(4), {0, 2}))};
  EXPECT_EQ(different.size(), 7u);
}

TEST(StateDigest, OfAReductionTellsWhatItsSumsContain) {
  const Ledger ledger({{4}}, {}, false);
  const auto pool = std::make_shared<actors::GradientPool>(ledger.layout());
  const auto holding = [&](std::size_t place, float value) {
    actors::Partial part;
    part.range = {0, 1};
    part.gradient = pool->lease();
    std::ranges::fill((*part.gradient).values(), 0.0F);
    (*part.gradient).values()[place] = value;
    actors::StepReduction reduction(actors::PositionTree(4), {0, 1, 2, 3});
    (void)reduction.put(std::move(part));
    return runtime::fingerprint(NoKeys(), reduction);
  };
  EXPECT_EQ(holding(1, 1), holding(1, 1));
  EXPECT_NE(holding(1, 1), holding(2, 1));
  EXPECT_NE(holding(1, 1), holding(1, 2));
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
}  // namespace nodezero::verify
