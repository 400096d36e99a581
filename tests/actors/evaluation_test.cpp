// SPDX-License-Identifier: BSD-3-Clause

// An evaluation comes in parts, so that it needs no more memory for more text.

#include <bit>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "support/stage.hpp"

namespace nodezero::actors::testing {
namespace {

constexpr std::uint64_t validation_tokens = 8 * 45;  // 45 windows

RunSettings in_parts_of(std::uint32_t micro_batches) {
  auto settings = tiny_settings();
  settings.evaluate_every = 3;
  std::vector<std::int32_t> ids;
  for (std::uint64_t i = 0; i <= validation_tokens; ++i) {
    ids.push_back(static_cast<std::int32_t>(i * i % 16));
  }
  settings.validation_batches = std::make_shared<model::SequentialWindows>(
      std::make_shared<MemoryTokens>(std::move(ids)), model::TokenRange{0, validation_tokens + 1},
      8, 2, micro_batches);
  return settings;
}

std::vector<std::uint64_t> losses_in_parts_of(std::uint32_t micro_batches) {
  Recorder recorder;
  const auto finished = run_to_end(in_parts_of(micro_batches), recorder);
  EXPECT_EQ(finished.result.failure, "");
  std::vector<std::uint64_t> losses;
  for (const auto& evaluation : recorder.evaluations) {
    EXPECT_EQ(evaluation.tokens, validation_tokens);
    losses.push_back(std::bit_cast<std::uint64_t>(evaluation.loss));
  }
  return losses;
}

TEST(Evaluation, HasTheSameBitsInAnyNumberOfParts) {
  const auto in_one = losses_in_parts_of(64);
  EXPECT_GE(in_one.size(), 6u);
  for (const std::uint32_t part : {1U, 2U, 4U, 8U, 16U, 32U}) {
    EXPECT_EQ(losses_in_parts_of(part), in_one) << "in parts of " << part;
  }
}

TEST(Evaluation, HoldsAPartAndTheOneBeforeIt) {
  Stage stage(in_parts_of(4));
  std::vector<std::weak_ptr<const StepBatches>> parts;
  stage.observe = [&](const Stage::Delivery& delivery) {
    const auto* plan = delivery.as<step_plan>();
    if (plan && plan->purpose == Purpose::evaluate) {
      for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
        EXPECT_TRUE(parts[i].expired());
      }
      EXPECT_LE(plan->batches->batches.size(), 4u);
      parts.push_back(plan->batches);
    }
  };
  auto answer = stage.ask<EvaluationSummary>(stage.actors().root, evaluate{stage.start()});
  stage.run();
  ASSERT_TRUE(answer.succeeded());
  EXPECT_EQ(answer.get()->tokens, validation_tokens);
  EXPECT_EQ(parts.size(), 6u) << "23 micro-batches";
}

TEST(Evaluation, FailsIfItsPartsAreNoNodesOfTheTree) {
  Stage stage(in_parts_of(3));
  auto answer = stage.ask<EvaluationSummary>(stage.actors().root, evaluate{stage.start()});
  stage.run();
  EXPECT_EQ(answer.code(), ErrorCode::conservation);
}

TEST(Evaluation, SurvivesTheDeathOfSpheresInEveryPart) {
  const auto expected = losses_in_parts_of(64);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Stage stage(in_parts_of(4));
    stage.kill_spheres(seed, 5);
    auto end = stage.ask<run_ended>(stage.actors().driver, run_all{});
    stage.run();
    ASSERT_TRUE(end.succeeded());
    std::vector<std::uint64_t> losses;
    for (const auto& evaluation : stage.recorder().evaluations) {
      losses.push_back(std::bit_cast<std::uint64_t>(evaluation.loss));
    }
    EXPECT_EQ(losses, expected) << "seed " << seed;
  }
}

}  // namespace
}  // namespace nodezero::actors::testing
