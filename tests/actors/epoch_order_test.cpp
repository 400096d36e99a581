// SPDX-License-Identifier: BSD-3-Clause

// Rows A1, A3 to A9 of the regressions: epochs end when their optimizer has, and not before.

#include <gtest/gtest.h>

#include "support/stage.hpp"

namespace nodezero::actors::testing {
namespace {

RunSettings one_epoch() {
  auto settings = tiny_settings();
  settings.training.epochs = 1;
  settings.validation_batches = nullptr;
  return settings;
}

TEST(EpochOrder, NoEpochIsDoneWhileTheOptimizersProofIsOnItsWay) {  // A1
  Stage stage(one_epoch());
  const std::uint64_t steps = one_epoch().training_batches->steps_in_epoch(0);
  std::uint64_t delivered = 0;
  std::uint64_t allowed = 0;
  stage.hold = [&](const Stage::Delivery& delivery) {
    return is<optimizer_complete>(delivery) && delivered == allowed;
  };
  stage.observe = [&](const Stage::Delivery& delivery) {
    delivered += is<optimizer_complete>(delivery);
  };
  auto epoch = stage.ask<epoch_done>(stage.actors().root, begin_epoch{stage.start()});
  for (; allowed < steps; ++allowed) {
    stage.run();
    ASSERT_FALSE(epoch.answered()) << "with " << allowed << " of " << steps << " proofs";
  }
  stage.run();
  ASSERT_TRUE(epoch.succeeded());
  EXPECT_TRUE(epoch.get()->sealed());
  EXPECT_EQ(epoch.get()->envelope().version, steps);
}

TEST(EpochOrder, FiftyEpochsAreRunByTheSameActors) {  // A3, A4, D6
  auto settings = one_epoch();
  settings.training.epochs = 50;
  Stage stage(settings);
  stage.run();
  const auto running = stage.system().registry().running();
  const auto first_id = stage.system().next_actor_id();
  auto end = stage.ask<run_ended>(stage.actors().driver, run_all{});
  stage.run();
  ASSERT_TRUE(end.succeeded());
  EXPECT_FALSE(end.get()->reason) << to_string(*end.get()->reason);
  EXPECT_EQ(stage.recorder().epochs.size(), 50u);
  EXPECT_EQ(stage.system().registry().running(), running);
  // One id for the asker, one for the question itself: nobody else was spawned.
  EXPECT_EQ(stage.system().next_actor_id(), first_id + 2);
  EXPECT_TRUE(stage.recorder().notices.empty());
  // D9: what is left is the watchdog's tick; no answered request keeps its timeout.
  EXPECT_LE(stage.timers(), 1u);
}

TEST(EpochOrder, SilenceBecomesATypedFailure) {  // A4
  auto settings = one_epoch();
  settings.stall_timeout = std::chrono::seconds(10);
  Stage stage(settings);
  stage.hold = [](const Stage::Delivery& delivery) { return delivery.receiver == "corpus"; };
  auto epoch = stage.ask<epoch_done>(stage.actors().root, begin_epoch{stage.start()});
  stage.run();
  EXPECT_FALSE(epoch.answered());
  for (int i = 0; i < 4 && !epoch.answered(); ++i) {
    stage.advance(std::chrono::seconds(10));
  }
  EXPECT_EQ(epoch.code(), ErrorCode::timed_out);
}

TEST(EpochOrder, AnEpochBeginsOnlyWhereTheRunStands) {  // A6, A8
  Stage stage(one_epoch());
  const Envelope here = stage.start();
  for (const Envelope& elsewhere : {Envelope{here.run + 1, 0, 0, 0}, Envelope{here.run, 1, 0, 0},
                                    Envelope{here.run, 0, 1, 0}, Envelope{here.run, 0, 0, 1}}) {
    auto refused = stage.ask<epoch_done>(stage.actors().root, begin_epoch{elsewhere});
    stage.run();
    EXPECT_EQ(refused.code(), ErrorCode::stale) << to_string(elsewhere);
  }
  auto first = stage.ask<epoch_done>(stage.actors().root, begin_epoch{here});
  stage.run_until([&] { return !stage.recorder().steps.empty(); });
  auto second = stage.ask<epoch_done>(stage.actors().root, begin_epoch{here});
  stage.run_until([&] { return second.answered(); });
  EXPECT_EQ(second.code(), ErrorCode::wrong_state);
  stage.run();
  EXPECT_TRUE(first.succeeded());
  auto again = stage.ask<epoch_done>(stage.actors().root, begin_epoch{here});
  stage.run();
  EXPECT_EQ(again.code(), ErrorCode::stale);
}

TEST(EpochOrder, EpochsWithoutWorkEndThroughTheOptimizerToo) {  // A7, B10
  auto settings = one_epoch();
  settings.training_batches = std::make_shared<CountedBatches>(
      std::vector<std::vector<std::uint32_t>>{{}, {2}, {}, {}, {1, 3}}, 8, 16);
  settings.training.epochs = 5;
  Stage stage(settings);
  std::size_t proofs = 0;
  stage.observe = [&](const Stage::Delivery& delivery) {
    proofs += is<optimizer_complete>(delivery);
  };
  auto end = stage.ask<run_ended>(stage.actors().driver, run_all{});
  stage.run();
  ASSERT_TRUE(end.succeeded());
  EXPECT_FALSE(end.get()->reason) << to_string(*end.get()->reason);
  EXPECT_EQ(stage.recorder().epochs.size(), 5u);
  EXPECT_EQ(end.get()->checkpoint.progress.step, 3u);
  EXPECT_EQ(proofs, 6u);  // 3 steps and 3 epochs without one
}

TEST(EpochOrder, TheOptimizerAppliesAVersionOnce) {  // A9
  Stage stage(one_epoch());
  auto epoch = stage.ask<epoch_done>(stage.actors().root, begin_epoch{stage.start()});
  stage.run_until([&] { return stage.recorder().steps.size() == 1; });
  // The sum of step 0 once more, when version 1 is there.
  auto lease = stage.actors().gradients->lease();
  auto twice = stage.ask<optimizer_complete>(
      stage.actors().optimizer, apply{stage.start(), Moved(std::move(lease)), 1, true, false, {}});
  stage.run();
  EXPECT_TRUE(twice.code() == ErrorCode::stale || twice.code() == ErrorCode::wrong_state);
  EXPECT_TRUE(epoch.succeeded());
}

TEST(EpochOrder, ARunThatFailsDuringAnUpdateIsNotSavedAsTheStepBefore) {
  auto settings = one_epoch();
  settings.stall_timeout = std::chrono::seconds(10);
  Stage stage(settings);
  bool holds = true;
  stage.hold = [&](const Stage::Delivery& delivery) {
    return holds && delivery.receiver == "optimizer" && is<shard_done>(delivery);
  };
  auto epoch = stage.ask<epoch_done>(stage.actors().root, begin_epoch{stage.start()});
  stage.run();
  for (int i = 0; i < 4 && !epoch.answered(); ++i) {
    stage.advance(std::chrono::seconds(10));
  }
  ASSERT_EQ(epoch.code(), ErrorCode::timed_out);
  holds = false;
  stage.run();  // the optimizer makes version 1, which node_zero does not count any more
  auto end = stage.ask<halted>(stage.actors().root, halt{stage.start()});
  stage.run();
  EXPECT_EQ(end.code(), ErrorCode::stale);
}

TEST(EpochOrder, MessagesOfAnotherStepAreNotBelieved) {  // A8, B4
  Stage stage(one_epoch());
  caf::strong_actor_ptr child;
  stage.observe = [&](const Stage::Delivery& delivery) {
    if (delivery.receiver == "node_zero" && delivery.as<report>()) {
      child = delivery.element->sender;
    }
  };
  auto epoch = stage.ask<epoch_done>(stage.actors().root, begin_epoch{stage.start()});
  stage.run_until([&] { return stage.recorder().steps.size() == 1; });
  ASSERT_TRUE(child);
  // A child's report and a gradient of step 0, repeated in step 1 and from another run.
  for (const Envelope& stale : {stage.start(), Envelope{1, 0, 1, 1}, Envelope{0x5eed, 1, 1, 1}}) {
    stage.forge(child, stage.actors().root, report{stale, Purpose::train, 1, {0}, {}, 1});
    stage.forge(child, stage.actors().root,
                gradient{stale, Purpose::train, 1, {0, 1}, Moved(Partial{})});
  }
  stage.run();
  EXPECT_TRUE(epoch.succeeded());
}

}  // namespace
}  // namespace nodezero::actors::testing
