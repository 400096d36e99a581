// SPDX-License-Identifier: BSD-3-Clause

// A host's training behind its keeper, with the host's calls at any moment.

#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include "verify/scenarios/session.hpp"

namespace nodezero::verify {
namespace {

Question of_host(const std::string& calls, std::uint64_t steps) {
  Question question;
  question.scope = Scope::host;
  question.spheres = 1;
  question.steps = steps;
  question.work_in_place = true;
  question.calls = calls;
  return question;
}

void expect_all(const Question& question) {
  const auto report = Session(question).explore({.cpu_seconds = 60});
  EXPECT_FALSE(report.counterexample) << report.counterexample->rule << "\n" << question.text();
  EXPECT_TRUE(report.complete) << report.states << " states in " << question.text();
}

TEST(HostTest, EveryCallReturnsAtAnyMoment) {
  for (const char* calls : {"", "p", "s", "r", "b", "c"}) {
    expect_all(of_host(calls, 2));
  }
}

TEST(HostTest, CallsThatMeetReturn) {
  for (const char* calls : {"pp", "ps", "pr", "pb", "ss", "bb"}) {
    expect_all(of_host(calls, 1));
  }
}

TEST(HostTest, CallsReturnWhileTrainingWaitsForABatch) {
  for (const char* calls : {"wp", "ws", "wr", "wb", "wc"}) {
    expect_all(of_host(calls, 2));
  }
}

TEST(HostTest, CallsReturnWhileLanesCompute) {
  for (const char* calls : {"p", "s", "r", "b"}) {
    auto question = of_host(calls, 1);
    question.work_in_place = false;
    expect_all(question);
  }
}

TEST(HostTest, DrawsSchedulesOfManyCalls) {
  auto question = of_host("ppssrbbwc", 3);
  question.work_in_place = false;
  question.spheres = 3;
  question.lanes = 2;
  for (const Mode mode : {Mode::random, Mode::pct, Mode::twice}) {
    question.mode = mode;
    const auto report = Session(question).explore({.schedules = 300});
    EXPECT_FALSE(report.counterexample) << report.counterexample->rule;
    EXPECT_EQ(report.schedules, 300u);
  }
}

TEST(HostTest, RefusesLettersThatAreNotCalls) {
  EXPECT_THROW(Session(of_host("px", 1)), std::invalid_argument);
}

}  // namespace
}  // namespace nodezero::verify
