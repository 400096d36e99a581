// SPDX-License-Identifier: BSD-3-Clause

// The exchange of several machines in every order of its messages, with machines that die, come
// and are cut off at any moment.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "verify/scenarios/session.hpp"

namespace nodezero::verify {
namespace {

Question of_machines(std::uint32_t machines, std::uint32_t micro_batches, std::uint64_t steps) {
  Question question;
  question.scope = Scope::machines;
  question.machines = machines;
  question.micro_batches = micro_batches;
  question.steps = steps;
  return question;
}

void expect_every_order(const Question& question) {
  const auto report = Session(question).explore({.cpu_seconds = 60});
  EXPECT_FALSE(report.counterexample) << report.counterexample->rule << "\n" << question.text();
  EXPECT_TRUE(report.complete) << report.states << " states in " << question.text();
}

void expect_draws(Question question, std::uint64_t schedules,
                  const std::vector<Mode>& modes = {Mode::random, Mode::pct, Mode::twice}) {
  for (const Mode mode : modes) {
    question.mode = mode;
    const auto report = Session(question).explore({.schedules = schedules});
    EXPECT_FALSE(report.counterexample) << report.counterexample->rule << "\n" << question.text();
    EXPECT_EQ(report.schedules, schedules) << question.text();
  }
}

TEST(MachinesTest, OneAloneIsARunOfItsOwn) {
  expect_every_order(of_machines(1, 3, 2));
}

TEST(MachinesTest, TwoAgreeInEveryOrder) {
  expect_every_order(of_machines(2, 2, 1));
}

TEST(MachinesTest, OneOfTwoMayDieAtAnyMoment) {
  auto question = of_machines(2, 1, 1);
  question.faults = 1;
  expect_every_order(question);
}

TEST(MachinesTest, OneMayJoinAtAnyMoment) {
  auto question = of_machines(1, 1, 2);
  question.joins = 1;
  expect_every_order(question);
}

TEST(MachinesTest, TheLastToComputeMayCountAsSlow) {
  auto question = of_machines(2, 2, 1);
  question.faults = 1;
  question.kills = false;
  question.backups = true;
  expect_every_order(question);
  expect_draws(question, 200, {Mode::traced});  // what is left undone breaks no law
  question.machines = 3;
  question.micro_batches = 7;  // parts of several nodes
  question.steps = 2;
  question.faults = 2;
  question.kills = true;
  expect_draws(question, 100);
}

TEST(MachinesTest, ManyMeet) {
  auto question = of_machines(3, 4, 2);
  question.joins = 1;
  question.faults = 2;
  question.cuts = true;
  expect_draws(question, 20);
}

TEST(MachinesTest, MessagesMayComeTwice) {
  auto question = of_machines(3, 3, 1);
  question.faults = 3;
  question.duplicates = true;
  expect_draws(question, 100);
}

}  // namespace
}  // namespace nodezero::verify
