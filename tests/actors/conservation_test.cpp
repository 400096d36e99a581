// SPDX-License-Identifier: BSD-3-Clause

// Rows B1 to B9, C1 to C3 and D12: no work is lost, done twice or skipped.

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include <gtest/gtest.h>

#include "actors/spheres/topology.hpp"
#include "model/gpt2/gpt2.hpp"
#include "model/gpt2/gpt2_layout.hpp"
#include "support/failing_model.hpp"
#include "support/stage.hpp"

namespace nodezero::actors::testing {
namespace {

RunSettings counted(std::vector<std::uint32_t> steps, std::uint32_t spheres) {
  auto settings = tiny_settings();
  settings.training.model = {.layers = 1, .heads = 1, .width = 2, .context = 2, .vocabulary = 12};
  settings.training_batches = std::make_shared<CountedBatches>(
      std::vector<std::vector<std::uint32_t>>{std::move(steps)}, 2, 12);
  settings.validation_batches = nullptr;
  settings.training.epochs = 1;
  settings.spheres = spheres;
  return settings;
}

TEST(Conservation, HoldsForAnyNumberOfBatchesAndSpheres) {  // B1, B3, B11, C3
  for (std::uint32_t spheres = 1; spheres <= 30; ++spheres) {
    std::vector<std::uint32_t> steps(40);
    std::iota(steps.begin(), steps.end(), 1);  // 1 to 40 batches; 0 is an epoch without steps
    auto settings = counted(steps, spheres);
    settings.symmetry = 2 + spheres % 11;
    settings.routing = static_cast<RoutingPolicy>(spheres % 3);
    Stage stage(settings);
    std::map<std::uint64_t, std::multiset<std::uint32_t>> computed_by_step;
    std::map<std::uint64_t, std::map<caf::actor_id, int>> reports;
    stage.observe = [&](const Stage::Delivery& delivery) {
      if (const auto* task = delivery.as<compute>(); task && delivery.receiver == "lane") {
        computed_by_step[task->envelope.step].insert(task->position);
      }
      if (const auto* message = delivery.as<report>()) {
        ++reports[message->envelope.step][delivery.element->sender->id()];
      }
    };
    auto end = stage.ask<run_ended>(stage.actors().driver, run_all{});
    stage.run();
    ASSERT_TRUE(end.succeeded());
    ASSERT_FALSE(end.get()->reason) << to_string(*end.get()->reason);
    const std::size_t children = topology(spheres, settings.symmetry).size() - 1;
    for (std::uint32_t step = 0; step < steps.size(); ++step) {
      const auto& positions = computed_by_step[step];
      ASSERT_EQ(positions.size(), steps[step]);
      ASSERT_EQ(std::set<std::uint32_t>(positions.begin(), positions.end()).size(), steps[step]);
      ASSERT_EQ(reports[step].size(), children);
      for (const auto& [sphere, count] : reports[step]) {
        ASSERT_EQ(count, 1) << "sphere " << sphere;
      }
      ASSERT_EQ(stage.recorder().steps[step].tokens, steps[step] * 2u);
    }
    EXPECT_EQ(stage.actors().gradients->leased(), 0u);  // C1: all buffers are back
  }
}

TEST(Conservation, AChildThatReportsTwiceFailsTheStep) {  // B2
  Stage stage(counted({6, 6}, 3));
  bool doubled = false;
  stage.observe = [&](const Stage::Delivery& delivery) {
    const auto* message = delivery.as<report>();
    if (message && delivery.receiver == "node_zero" && !doubled) {
      doubled = true;
      stage.forge(delivery.element->sender, stage.actors().root, *message);
    }
  };
  auto epoch = stage.ask<epoch_done>(stage.actors().root, begin_epoch{stage.start()});
  stage.hold = [&](const Stage::Delivery& delivery) {  // the others report later
    return doubled && delivery.receiver == "worker" && !epoch.answered();
  };
  stage.run();
  EXPECT_EQ(epoch.code(), ErrorCode::conservation);
  stage.hold = nullptr;
}

TEST(Conservation, AReportOfForeignPositionsFailsTheStep) {  // B1, B2
  Stage stage(counted({6}, 3));
  bool forged = false;
  stage.observe = [&](const Stage::Delivery& delivery) {
    if (const auto* message = delivery.as<gradient>(); message && !forged) {
      forged = true;
      stage.forge(delivery.element->sender, stage.actors().root,
                  report{message->envelope, Purpose::train, message->sphere, {99}, {}, 1});
    }
  };
  auto epoch = stage.ask<epoch_done>(stage.actors().root, begin_epoch{stage.start()});
  stage.run();
  EXPECT_EQ(epoch.code(), ErrorCode::conservation);
}

TEST(Conservation, AGradientThatComesTwiceFailsTheStep) {  // C1, C2
  Stage stage(counted({6}, 3));
  bool forged = false;
  stage.observe = [&](const Stage::Delivery& delivery) {
    if (const auto* message = delivery.as<gradient>(); message && !forged) {
      forged = true;
      Partial copy;
      copy.range = message->range;
      copy.gradient = stage.actors().gradients->lease();
      stage.forge(delivery.element->sender, stage.actors().root,
                  gradient{message->envelope, Purpose::train, message->sphere, message->range,
                           Moved(std::move(copy))});
    }
  };
  auto epoch = stage.ask<epoch_done>(stage.actors().root, begin_epoch{stage.start()});
  stage.run();
  EXPECT_EQ(epoch.code(), ErrorCode::conservation);
}

// Nothing that a message says is used before it is compared: a sum is placed by the range that it
// carries.
TEST(Conservation, AGradientThatIsNotWhatItsMessageSaysFailsTheStep) {
  const auto in_part = [](auto lie) {
    return [lie](gradient& message) { lie(const_cast<Partial&>(*message.partial.peek())); };
  };
  const auto in_both = [](PositionRange (*lie)(PositionRange)) {
    return [lie](gradient& message) {
      message.range = lie(message.range);
      const_cast<Partial&>(*message.partial.peek()).range = message.range;
    };
  };
  const std::vector<std::function<void(gradient&)>> lies{
      in_part([](Partial& part) { part.range.last = 1'000'000; }),
      in_part([](Partial& part) { part.range = {}; }),
      in_part([](Partial& part) { part.gradient = {}; }),
      in_part([](Partial& part) { part.loss.valid_tokens = -5; }),
      in_part([](Partial& part) { part.loss.valid_tokens = std::int64_t{1} << 62; }),
      in_part([](Partial& part) {
        const auto layout = std::make_shared<const model::TensorLayout>(
            std::vector<model::TensorInfo>{{"another model's", {1}}});
        part.gradient = std::make_shared<GradientPool>(layout)->lease();
      }),
      in_both([](PositionRange range) {
        return PositionRange{range.first, range.first};
      }),
      in_both([](PositionRange) {
        return PositionRange{1'000'000, 0};
      }),
      [](gradient& message) { message.partial = {}; },
  };
  for (const auto& lie : lies) {
    Stage stage(counted({6}, 3));
    bool has_lied = false;
    stage.observe = [&](const Stage::Delivery& delivery) {
      if (const auto* message = delivery.as<gradient>(); message && !has_lied) {
        has_lied = true;
        lie(const_cast<gradient&>(*message));
      }
    };
    auto epoch = stage.ask<epoch_done>(stage.actors().root, begin_epoch{stage.start()});
    stage.run();
    EXPECT_EQ(epoch.code(), ErrorCode::conservation);
  }
}

TEST(Conservation, AnAssignmentThatCannotBeFailsTheStep) {
  const std::vector<std::function<void(assign&)>> lies{
      [](assign& step) { step.positions.push_back(1'000'000); },
      [](assign& step) { step.positions.push_back(6); },
      [](assign& step) { step.positions.push_back(step.positions.back()); },
      [](assign& step) { step.positions.insert(step.positions.begin(), 5); },
      [](assign& step) { step.attempts.push_back(0); },
      [](assign& step) { step.batches = nullptr; },
      [](assign& step) { step.weights = nullptr; },
  };
  auto settings = counted({6}, 5);
  settings.symmetry = 2;
  for (const auto& receiver : {"control", "worker"}) {
    for (const auto& lie : lies) {
      Stage stage(settings);
      bool has_lied = false;
      stage.observe = [&](const Stage::Delivery& delivery) {
        if (const auto* message = delivery.as<assign>();
            message && !has_lied && delivery.receiver == receiver) {
          has_lied = true;
          lie(const_cast<assign&>(*message));
        }
      };
      auto epoch = stage.ask<epoch_done>(stage.actors().root, begin_epoch{stage.start()});
      stage.run();
      EXPECT_TRUE(has_lied);
      EXPECT_EQ(epoch.code(), ErrorCode::conservation) << receiver;
    }
  }
}

TEST(Conservation, ASumWithoutGradientOrTokensIsNotApplied) {
  const std::vector<std::function<void(apply&)>> lies{
      [](apply& sum) { sum.valid_tokens = 0; },
      [](apply& sum) { sum.valid_tokens = -6; },
      [](apply& sum) { sum.sum = {}; },
  };
  for (const auto& lie : lies) {
    Stage stage(counted({6}, 3));
    stage.observe = [&](const Stage::Delivery& delivery) {
      if (const auto* message = delivery.as<apply>()) {
        lie(const_cast<apply&>(*message));
      }
    };
    auto epoch = stage.ask<epoch_done>(stage.actors().root, begin_epoch{stage.start()});
    stage.run();
    EXPECT_EQ(epoch.code(), ErrorCode::conservation);
  }
}

TEST(Conservation, ADeadSpheresWorkIsComputedAgainAndCountedOnce) {  // D12
  auto settings = counted({7, 7}, 3);
  settings.routing = RoutingPolicy::round_robin;  // of these no two are on one sphere
  settings.trained = failing_model(settings.training, [](const Attempt& attempt) {
    const bool fails = attempt.step == 1 && attempt.micro_batch < 3 && attempt.failures == 0;
    return fails ? Failure::throws : Failure::none;
  });
  Stage stage(settings);
  auto end = stage.ask<run_ended>(stage.actors().driver, run_all{});
  stage.run();
  ASSERT_TRUE(end.succeeded());
  EXPECT_FALSE(end.get()->reason) << to_string(*end.get()->reason);
  EXPECT_EQ(stage.recorder().notices.size(), 3u);
  EXPECT_EQ(stage.recorder().steps.at(1).tokens, 14u);
}

/// Runs to a failure in step 1. The last complete version is intact: one step was applied.
ErrorPlace run_to_failure(Stage& stage) {
  auto end = stage.ask<run_ended>(stage.actors().driver, run_all{});
  stage.run();
  if (!end.succeeded() || !end.get()->reason || !end.get()->reason->place) {
    ADD_FAILURE() << "the run did not fail at a place";
    return {};
  }
  EXPECT_EQ(end.get()->checkpoint.progress.step, 1u);
  EXPECT_EQ(end.get()->checkpoint.optimizer->step, 1u);
  const auto& place = *end.get()->reason->place;
  EXPECT_EQ(place.step, 1u);
  EXPECT_GT(place.sphere, 0u);
  return place;
}

TEST(Conservation, AMicroBatchThatAlwaysFailsFailsItsEpochByName) {  // D12, A4
  for (const Failure kind : {Failure::throws, Failure::not_finite}) {
    for (const std::uint32_t spheres : {1u, 3u, 30u}) {
      auto settings = counted({8, 8, 8}, spheres);
      int attempts = 0;
      settings.trained = failing_model(settings.training, [&](const Attempt& attempt) {
        const bool chosen = attempt.step == 1 && attempt.micro_batch == 5;
        attempts += chosen;
        return chosen ? kind : Failure::none;
      });
      Stage stage(settings);
      EXPECT_EQ(run_to_failure(stage).micro_batch, 5u);
      EXPECT_EQ(attempts, 4);
    }
  }
}

TEST(Conservation, ASphereThatIsAlwaysKilledFailsItsEpoch) {  // D12, A4
  for (const std::uint32_t spheres : {1u, 3u, 30u}) {
    Stage stage(counted({8, 8, 8}, spheres));
    std::set<caf::actor_id> killed;
    // Whoever is to compute micro-batch 5 of step 1 is killed before it can.
    stage.observe = [&](const Stage::Delivery& delivery) {
      const auto* task = delivery.as<assign>();
      if (task && task->envelope.step == 1 && delivery.receiver == "worker" &&
          std::ranges::count(task->positions, 5u) == 1) {
        killed.insert(delivery.actor->id());
        caf::anon_send_exit(delivery.actor, caf::exit_reason::kill);
      }
    };
    run_to_failure(stage);
    EXPECT_EQ(killed.size(), 4u);
  }
}

TEST(Conservation, AStepIsTheSumOfItsMicroBatches) {  // C1, C2, C4
  // What the tree says of a step against a plain loop over the same micro-batches.
  const auto settings = counted({9}, 4);
  Stage stage(settings);
  auto end = stage.ask<run_ended>(stage.actors().driver, run_all{});
  stage.run();
  ASSERT_TRUE(end.succeeded());

  const auto layout = model::gpt2_layout(settings.training.model);
  model::Parameters weights(layout);
  model::initialize(settings.training.model, settings.training.seed, weights);
  model::Gradient gradient(layout);
  std::vector<double> sum(gradient.values().size(), 0.0);
  model::Workspace workspace;
  model::LossSum loss;
  for (std::uint32_t position = 0; position < 9; ++position) {
    const auto batch = settings.training_batches->micro_batch(0, 0, position);
    const auto part =
        model::loss_and_gradient(settings.training.model, weights, batch, {}, gradient, workspace);
    loss.negative_log_likelihood += part.negative_log_likelihood;
    loss.valid_tokens += part.valid_tokens;
    std::transform(sum.begin(), sum.end(), gradient.values().begin(), sum.begin(),
                   [](double a, float b) { return a + b; });
  }
  const double norm = std::sqrt(std::inner_product(sum.begin(), sum.end(), sum.begin(), 0.0)) /
                      static_cast<double>(loss.valid_tokens);
  const auto& step = stage.recorder().steps.at(0);
  EXPECT_GT(norm, 0);
  EXPECT_NEAR(step.gradient_norm, norm, 1e-5 * norm);
  EXPECT_NEAR(step.loss, loss.negative_log_likelihood / static_cast<double>(loss.valid_tokens),
              1e-9);
}

TEST(Conservation, EverySphereWorksWhenThereIsAMicroBatchForEach) {  // B7, B8, B9
  for (const std::uint32_t spheres : {2u, 3u, 11u, 12u, 13u, 144u, 157u}) {
    Stage stage(counted({spheres}, spheres));
    auto end = stage.ask<run_ended>(stage.actors().driver, run_all{});
    stage.run();
    ASSERT_TRUE(end.succeeded());
    EXPECT_EQ(stage.recorder().steps.at(0).spheres_busy, spheres);
  }
}

}  // namespace
}  // namespace nodezero::actors::testing
