// SPDX-License-Identifier: BSD-3-Clause
#include "actors/lanes/lane_scheduler.hpp"

#include <bit>
#include <numeric>

#include <gtest/gtest.h>

#include "support/stage.hpp"

namespace nodezero::actors::testing {
namespace {

RunSettings one_step(std::uint32_t micro_batches, std::uint32_t spheres, std::uint32_t lanes) {
  auto settings = tiny_settings();
  settings.training.model = {.layers = 1, .heads = 1, .width = 2, .context = 2, .vocabulary = 12};
  settings.training_batches = std::make_shared<CountedBatches>(
      std::vector<std::vector<std::uint32_t>>{{micro_batches, micro_batches}}, 2, 12);
  settings.validation_batches = nullptr;
  settings.training.epochs = 1;
  settings.spheres = spheres;
  settings.threads = lanes;
  return settings;
}

TEST(LaneScheduler, KeepsGradientBuffersFew) {  // D8
  for (const std::uint32_t lanes : {1u, 2u, 5u}) {
    for (const std::uint32_t micro_batches : {1u, 2u, 7u, 8u, 64u, 157u}) {
      for (const std::uint32_t spheres : {1u, 2u, 12u, 40u}) {
        for (const auto routing : {RoutingPolicy::balanced, RoutingPolicy::dominant}) {
          auto settings = one_step(micro_batches, spheres, lanes);
          settings.routing = routing;
          Stage stage(settings);
          std::size_t most = 0;
          stage.observe = [&](const Stage::Delivery&) {
            most = std::max(most, stage.actors().gradients->leased());
          };
          auto end = stage.ask<run_ended>(stage.actors().driver, run_all{});
          stage.run();
          ASSERT_TRUE(end.succeeded());
          ASSERT_FALSE(end.get()->reason);
          EXPECT_GE(most, 1u);
          EXPECT_LE(most, lanes + std::bit_width(micro_batches - 1) + 2);
        }
      }
    }
  }
}

TEST(LaneScheduler, StartsMicroBatchesInTheOrderOfTheirPositions) {
  Stage stage(one_step(31, 7, 3));
  std::vector<std::uint32_t> started;
  stage.observe = [&](const Stage::Delivery& delivery) {
    if (const auto* task = delivery.as<compute>(); task && delivery.receiver == "lane") {
      started.push_back(task->position);
    }
  };
  auto end = stage.ask<run_ended>(stage.actors().driver, run_all{});
  stage.run();
  ASSERT_EQ(started.size(), 62u);
  // Three lanes may be handed their tasks in any order; each position is at most two away.
  for (std::uint32_t i = 0; i < 31; ++i) {
    EXPECT_LE(std::max(started[i], i) - std::min(started[i], i), 2u);
  }
}

TEST(LaneScheduler, AnswersEveryMicroBatchOfAnAbandonedStep) {  // D12
  Stage stage(one_step(31, 7, 1));
  std::size_t asked = 0;
  std::size_t answered = 0;
  stage.observe = [&](const Stage::Delivery& delivery) {
    asked += delivery.as<compute>() && delivery.receiver == "lane_scheduler";
    answered += delivery.receiver == "worker" && delivery.element->mid.is_response();
  };
  auto epoch = stage.ask<epoch_done>(stage.actors().root, begin_epoch{stage.start()});
  stage.run_until([&] { return answered == 2; });
  auto stopped_run = stage.ask<stopped>(stage.actors().lifecycle, stop{});
  stage.run();
  EXPECT_TRUE(stopped_run.succeeded());
  EXPECT_EQ(epoch.code(), ErrorCode::stopped);
  EXPECT_GE(answered, asked);  // sums are answered to workers, too
}

TEST(LaneScheduler, CountsOnWhenAnotherStepFollowsAnAbandonedOne) {
  Stage stage(one_step(8, 1, 1));
  const auto& lanes = stage.actors().lane_scheduler;
  bool is_applied = false;
  stage.observe = [&](const Stage::Delivery& delivery) {
    is_applied = is_applied || delivery.as<optimizer_complete>();
  };
  auto end = stage.ask<run_ended>(stage.actors().driver, run_all{});
  ASSERT_TRUE(stage.run_until([&] { return is_applied; }));
  // A machine may have been relieved of what is left of its part in the step.
  caf::anon_send(lanes, abandon{stage.start()});
  stage.run();
  EXPECT_TRUE(end.succeeded());
  auto count = stage.ask<finished_count>(lanes, count_finished{});
  stage.run();
  ASSERT_TRUE(count.succeeded());
  EXPECT_GE(count.get()->tasks, 8u);
}

}  // namespace
}  // namespace nodezero::actors::testing
