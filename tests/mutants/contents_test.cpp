// SPDX-License-Identifier: BSD-3-Clause

// States that differ only in what gradients contain are different states: a sum that lacks a
// micro-batch is noticed although the same parts of it arrived, in another order, before.

#include <gtest/gtest.h>

#include "verify/mutants/kill.hpp"

namespace nodezero::mutants {
namespace {

verify::explore::Report explore_with(const std::vector<std::string_view>& names) {
  const SwitchedOn on(names);
  verify::Question question;
  question.scope = verify::Scope::run;
  question.spheres = 2;
  verify::Session session(question);
  return session.explore({});
}

TEST(MutantsTest, AWrongSumIsNoticedBecauseFingerprintsHoldContents) {
  const auto seen = explore_with({"left_half_lost"});
  ASSERT_TRUE(seen.counterexample);
  EXPECT_EQ(seen.counterexample->rule, "the sum of step 0 has micro-batch 0 0 times");

  const auto unseen = explore_with({"left_half_lost", "contents_not_seen"});
  EXPECT_TRUE(unseen.complete);
  EXPECT_FALSE(unseen.counterexample);
}

TEST(MutantsTest, NothingIsWrongWithoutThem) {
  const auto report = explore_with({});
  EXPECT_TRUE(report.complete);
  EXPECT_FALSE(report.counterexample);
}

}  // namespace
}  // namespace nodezero::mutants
