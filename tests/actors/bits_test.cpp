// SPDX-License-Identifier: BSD-3-Clause

// One digest for every placement: the promise of section 5 of the design.

#include <atomic>
#include <set>
#include <xmmintrin.h>

#include <gtest/gtest.h>

#include "model/gpt2/gpt2.hpp"
#include "model/gpt2/gpt2_layout.hpp"
#include "model/kernels/random.hpp"
#include "model/storage/digest.hpp"
#include "support/failing_model.hpp"
#include "support/stage.hpp"

namespace nodezero::actors::testing {
namespace {

std::string digest_of(const RunSettings& settings) {
  const auto finished = run_to_end(settings);
  EXPECT_EQ(finished.result.end, TrainingResult::End::finished) << finished.result.failure;
  return finished.weights + finished.state;
}

// Enough micro-batches that every sphere of a small tree has one, and a tail.
RunSettings wide_settings() {
  auto settings = tiny_settings();
  settings.training.sequences = 1;
  settings.training.micro_batches = 13;
  settings.training.epochs = 1;
  auto tokens = std::make_shared<MemoryTokens>([] {
    std::vector<std::int32_t> ids;
    for (std::int32_t i = 0; i < 300; ++i) {
      ids.push_back(i * 7 % 16);
    }
    return ids;
  }());
  settings.training_batches = std::make_shared<model::ShuffledWindows>(
      tokens, model::TokenRange{0, 300}, 8, 1, 13, settings.training.seed);
  settings.validation_batches = nullptr;
  return settings;
}

TEST(Bits, AreTheSameForEveryTreeLanesAndRouting) {
  auto settings = wide_settings();
  const std::string expected = digest_of(settings);
  int runs = 0;
  const RoutingPolicy policies[] = {RoutingPolicy::balanced, RoutingPolicy::dominant,
                                    RoutingPolicy::round_robin};
  for (const std::uint32_t spheres : {1, 2, 3, 5, 12, 13, 24, 144, 157}) {
    for (const std::uint32_t threads : {1, 2, 4}) {
      for (int k = 0; k < 3; ++k) {
        // A Latin square of two thirds of the combinations; the script runs them all.
        if ((spheres + threads + k) % 3 == 0) {
          continue;
        }
        settings.spheres = spheres;
        settings.threads = threads;
        settings.routing = policies[k];
        EXPECT_EQ(digest_of(settings), expected)
            << spheres << " spheres, " << threads << " threads, routing " << k;
        ++runs;
      }
    }
  }
  EXPECT_GE(runs, 40);
}

TEST(Bits, AreTheSameWhenLanesShareASum) {
  auto settings = wide_settings();
  settings.training.model.vocabulary = 70'000;  // enough weights that sums are split
  settings.training.model.width = 64;
  settings.spheres = 1;
  settings.threads = 1;
  const std::string expected = digest_of(settings);
  for (const std::uint32_t lanes : {2, 3, 4}) {
    settings.spheres = 2 * lanes - 1;
    settings.threads = lanes;
    EXPECT_EQ(digest_of(settings), expected) << lanes << " lanes";
  }
}

TEST(Bits, InBf16AreTheSameForEveryTreeLanesAndRoutingAndAfterAResume) {
  auto settings = wide_settings();
  settings.training.model.dropout = 0.1;
  settings.training.epochs = 2;
  const std::string in_fp32 = digest_of(settings);
  settings.training.precision = model::Precision::bf16;
  const std::string expected = digest_of(settings);
  EXPECT_NE(expected, in_fp32);
  const RoutingPolicy policies[] = {RoutingPolicy::balanced, RoutingPolicy::dominant,
                                    RoutingPolicy::round_robin};
  for (const std::uint32_t spheres : {1, 2, 5, 13, 24, 157}) {
    for (const std::uint32_t threads : {1, 2, 4}) {
      settings.spheres = spheres;
      settings.threads = threads;
      settings.routing = policies[(spheres + threads) % 3];
      EXPECT_EQ(digest_of(settings), expected) << spheres << " spheres, " << threads << " threads";
    }
  }
  Recorder recorder;
  TrainingResult first;
  {
    Trainer* running = nullptr;
    auto stopped = settings;
    stopped.trained = failing_model(settings.training, [&](const Attempt& attempt) {
      if (attempt.step == 1 && attempt.micro_batch == 3) {
        running->stop();
      }
      return Failure::none;
    });
    Trainer trainer(stopped, recorder);
    running = &trainer;
    first = trainer.run();
  }
  ASSERT_EQ(first.end, TrainingResult::End::stopped) << first.failure;
  settings.resume =
      model::Checkpoint{settings.training.model, first.progress, first.weights, first.optimizer};
  settings.spheres = 3;
  settings.threads = 1;
  EXPECT_EQ(digest_of(settings), expected) << "after a resume";
}

TEST(Bits, AreTheSameForEverySymmetry) {
  auto settings = wide_settings();
  const std::string expected = digest_of(settings);
  for (const std::uint32_t symmetry : {2, 3, 5, 7}) {
    settings.spheres = 20;
    settings.symmetry = symmetry;
    EXPECT_EQ(digest_of(settings), expected) << "symmetry " << symmetry;
  }
}

TEST(Bits, AreTheSameWithSpheresDyingAtRandom) {  // D12
  auto settings = wide_settings();
  const std::string expected = digest_of(settings);
  std::uint64_t deaths = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    std::atomic<std::uint64_t> died{0};
    settings.spheres = seed % 2 == 0 ? 5 : 24;
    settings.trained = failing_model(settings.training, [seed, &died](const Attempt& attempt) {
      const model::KeyedRandom random(seed, model::RandomPurpose::sampling, attempt.step,
                                      attempt.micro_batch * 16 + attempt.failures);
      const auto word = random.words(0)[0];
      if (attempt.failures > 1 || word % 4 != 0) {
        return Failure::none;
      }
      ++died;
      return word % 3 == 0 ? Failure::not_finite : Failure::throws;
    });
    Recorder recorder;
    const auto finished = run_to_end(settings, recorder);
    ASSERT_EQ(finished.result.end, TrainingResult::End::finished) << finished.result.failure;
    EXPECT_EQ(finished.weights + finished.state, expected) << "seed " << seed;
    EXPECT_GE(recorder.notices.size(), 1u);
    deaths += died;
  }
  EXPECT_GE(deaths, 100u);
}

TEST(Bits, AreTheSameWhateverSpheresAreKilled) {  // D12
  auto settings = wide_settings();
  const std::string expected = digest_of(settings);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    settings.spheres = seed % 2 == 0 ? 5 : 24;
    settings.symmetry = seed % 3 == 0 ? 2 : 12;
    Stage stage(settings);
    stage.kill_spheres(seed, settings.attempts);
    auto end = stage.ask<run_ended>(stage.actors().driver, run_all{});
    stage.run();
    ASSERT_TRUE(end.succeeded());
    ASSERT_FALSE(end.get()->reason) << to_string(*end.get()->reason);
    EXPECT_EQ(stage.killed(), settings.attempts);
    const auto& checkpoint = end.get()->checkpoint;
    EXPECT_EQ(model::digest(*checkpoint.weights) + model::digest(*checkpoint.optimizer), expected)
        << "seed " << seed;
  }
}

TEST(Bits, AreTheSameWithAndWithoutInference) {
  auto settings = wide_settings();
  const std::string expected = digest_of(settings);
  settings.prompts = {{1, 2, 3}, {4}};
  settings.sample_tokens = 30;
  EXPECT_EQ(digest_of(settings), expected);
}

TEST(Bits, AreTheSameWhateverModesTheCallerHasSet) {
  auto settings = wide_settings();
  const std::string expected = digest_of(settings);
  const unsigned modes = _mm_getcsr();
  _mm_setcsr(modes | 0x8040);  // flush-to-zero, denormals are zero
  const std::string with_modes = digest_of(settings);
  EXPECT_EQ(_mm_getcsr() & 0x8040, 0x8040u);
  _mm_setcsr(modes);
  EXPECT_EQ(with_modes, expected);
}

TEST(Bits, AreTheSameAfterARunWasResumedWithAnotherTree) {  // D14
  auto settings = wide_settings();
  settings.training.epochs = 3;
  const std::string expected = digest_of(settings);
  for (std::uint64_t stop_after = 0; stop_after < 7; ++stop_after) {
    settings.resume.reset();
    settings.spheres = 3;
    settings.threads = 2;
    TrainingResult first;
    {
      Recorder recorder;
      Trainer* running = nullptr;
      settings.trained = failing_model(settings.training, [&](const Attempt& attempt) {
        if (attempt.step == stop_after && attempt.micro_batch == 3) {
          running->stop();
        }
        return Failure::none;
      });
      Trainer trainer(settings, recorder);
      running = &trainer;
      first = trainer.run();
    }
    settings.trained = nullptr;
    ASSERT_EQ(first.end, TrainingResult::End::stopped) << first.failure;
    EXPECT_GE(first.progress.step, stop_after);
    settings.resume =
        model::Checkpoint{settings.training.model, first.progress, first.weights, first.optimizer};
    settings.spheres = 14;
    settings.threads = 1;
    EXPECT_EQ(digest_of(settings), expected) << "stopped in step " << stop_after;
  }
}

TEST(Bits, DifferForEverythingThatIsPartOfTheArithmetic) {
  const auto base = tiny_settings();
  std::set<std::string> digests{digest_of(base)};
  const auto differs = [&](auto change, const char* what) {
    auto settings = base;
    change(settings.training);
    EXPECT_TRUE(digests.insert(digest_of(settings)).second) << what;
  };
  using Config = model::TrainingConfig;
  differs([](Config& c) { c.seed = 1; }, "seed");
  differs([](Config& c) { c.steps = 5; }, "steps");
  differs([](Config& c) { c.epochs = 3; }, "epochs");
  differs([](Config& c) { c.model.dropout = 0.1; }, "dropout");
  differs([](Config& c) { c.optimizer.learning_rate = 2e-2; }, "learning rate");
  differs([](Config& c) { c.optimizer.min_learning_rate = 2e-3; }, "minimum");
  differs([](Config& c) { c.optimizer.warmup = 3; }, "warm-up");
  differs([](Config& c) { c.optimizer.beta1 = 0.8; }, "beta1");
  differs([](Config& c) { c.optimizer.beta2 = 0.9; }, "beta2");
  differs([](Config& c) { c.optimizer.weight_decay = 0.2; }, "weight decay");
  differs([](Config& c) { c.optimizer.clip = 0.05; }, "clip");

  auto initial = model::Parameters(model::gpt2_layout(base.training.model));
  model::initialize(base.training.model, base.training.seed, initial);
  for (const auto& digest : digests) {
    EXPECT_NE(digest.substr(0, 64), model::digest(initial));
  }
}

}  // namespace
}  // namespace nodezero::actors::testing
