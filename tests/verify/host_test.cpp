// SPDX-License-Identifier: BSD-3-Clause

// A host's training behind its keeper, with the host's calls at any moment.

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include "verify/explore/draws.hpp"
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
  for (const char* calls : {"", "p", "b"}) {
    expect_all(of_host(calls, 2));
  }
  for (const char* calls : {"s", "c"}) {
    expect_all(of_host(calls, 1));
  }
}

TEST(HostTest, CallsThatMeetReturn) {
  for (const char* calls : {"pp", "pb", "bb"}) {
    expect_all(of_host(calls, 1));
  }
}

TEST(HostTest, CallsReturnWhileTrainingWaitsForABatch) {
  for (const char* calls : {"wp", "ws", "wr", "wb", "wc"}) {
    expect_all(of_host(calls, 1));
  }
}

TEST(HostTest, CallsReturnWhileLanesCompute) {
  for (const char* calls : {"p", "b", "ws"}) {
    auto question = of_host(calls, 1);
    question.work_in_place = false;
    expect_all(question);
  }
}

// What the reduction leaves out leads nowhere else.
TEST(HostTest, TheReductionReachesAllEnds) {
  for (const char* calls : {"", "p", "b", "wp", "wb"}) {
    auto question = of_host(calls, 1);
    const auto reduced = Session(question).explore({});
    question.reduced = false;
    const auto whole = Session(question).explore({.cpu_seconds = 60});
    EXPECT_TRUE(whole.complete && reduced.complete) << calls;
    EXPECT_EQ(whole.ends, reduced.ends) << calls;
    EXPECT_LE(reduced.states, whole.states) << calls;
  }
}

/// The ends that drawn schedules come to. Links have priorities, as if some of them were slow; one
/// step of eight is drawn evenly.
std::set<std::uint64_t> drawn_ends(const Question& question, std::uint64_t schedules) {
  Session session(question);
  auto& run = session.run();
  run.network().fingerprints = true;
  std::set<std::uint64_t> ends;
  for (std::uint64_t i = 0; i < schedules; ++i) {
    explore::Draws draws(question.seed, i);
    std::map<std::uint32_t, std::uint64_t> priorities;
    const auto priority = [&](const explore::Choice& choice) {
      const auto known = priorities.find(choice.packed());
      return known != priorities.end() ? known->second : priorities[choice.packed()] = draws.next();
    };
    for (run.restart(); !run.over();) {
      const auto choices = run.choices();
      run.take(draws.below(8) == 0 ? choices[draws.below(choices.size())]
                                   : *std::ranges::max_element(choices, {}, priority));
    }
    ends.insert(run.fingerprint());
  }
  return ends;
}

// Too many states to search all orders. Steps of a close end lanes in place and empty the queue.
TEST(HostTest, CallsThatEndARunReachTheEndsThatAreDrawn) {
  for (const char* calls : {"c", "s", "wc"}) {
    const auto question = of_host(calls, 1);
    EXPECT_EQ(Session(question).explore({}).ends, drawn_ends(question, 2000).size()) << calls;
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
