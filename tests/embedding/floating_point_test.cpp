// SPDX-License-Identifier: BSD-3-Clause

// Hosts that have changed how their threads compute: no bit of ours may depend on it.

#include <cfenv>
#include <memory>
#include <xmmintrin.h>

#include <gtest/gtest.h>

#include "nodezero/caf.hpp"
#include "nodezero/trainer.hpp"
#include "runtime/ask.hpp"
#include "runtime/floating_point_mode.hpp"
#include "runtime/system_config.hpp"
#include "support/executors.hpp"
#include "support/host_mode.hpp"
#include "support/models.hpp"

namespace nodezero::testing {
namespace {

using namespace std::chrono_literals;

/// A perceptron that sees in which mode it is called.
struct Watching : MultilayerPerceptron {
  std::shared_ptr<std::atomic<bool>> is_always_default = std::make_shared<std::atomic<bool>>(true);

  Watching() : MultilayerPerceptron({2, 16, 1}) {}
  void look() const {
    if (!is_default_mode()) {
      *is_always_default = false;
    }
  }
  void initialize(std::uint64_t seed, Tensors parameters) const {
    look();
    MultilayerPerceptron::initialize(seed, parameters);
  }
  Loss loss_and_gradient(ConstTensors parameters, const Examples& batch, Tensors gradient,
                         Workspace& workspace) const {
    look();
    return MultilayerPerceptron::loss_and_gradient(parameters, batch, gradient, workspace);
  }
  std::vector<float> predict(ConstTensors parameters, const std::vector<float>& input) const {
    look();
    return MultilayerPerceptron::predict(parameters, input);
  }
  std::optional<Error> check(const Examples& batch) const {
    look();
    return MultilayerPerceptron::check(batch);
  }
  std::optional<Error> check(const std::vector<float>& input) const {
    look();
    return MultilayerPerceptron::check(input);
  }
};

struct Outcome {
  SavedState state;
  std::vector<float> answer;
  double loss = 0;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome outcome_of(Running running, const Mode& mode) {
  std::vector<Examples> batches;
  for (std::uint64_t i = 0; i < 36; ++i) {
    batches.push_back(examples_of(i));
  }
  const Watching model;
  auto options = small_options();
  options.running = running;
  options.threads = 2;
  options.time_per_step = 0.1;
  // The threads of the host's pool have the host's mode.
  const auto pool = in_mode(mode, [] { return std::make_unique<Pool>(2); });
  options.execute = pool->executor();
  options.on_step = [&](const StepReport&) { model.look(); };

  auto trainer = in_mode(mode, [&] { return Trainer::create(model, options); });
  EXPECT_TRUE(trainer) << trainer.error().message;
  for (const auto& batch : batches) {
    EXPECT_TRUE(in_mode(mode, [&] { return trainer->submit(batch); }));
  }
  const auto status = in_mode(mode, [&] {
    return running == Running::stepped ? trainer->advance_to(1.25)
                                       : trainer->wait_for_steps(12, 5min);
  });
  EXPECT_TRUE(status);
  EXPECT_EQ(status->steps, 12u);
  const std::vector<float> input = {0.25f, -0.75f};
  const auto answer = in_mode(mode, [&] { return trainer->predict<std::vector<float>>(input); });
  EXPECT_TRUE(answer);
  EXPECT_EQ(answer->version, 12u);
  const auto state = in_mode(mode, [&] { return trainer->save(); });
  EXPECT_TRUE(state);
  EXPECT_TRUE(in_mode(mode, [&] { return trainer->restore(*state); }));
  EXPECT_TRUE(in_mode(mode, [&] { return trainer->close(); }));
  EXPECT_TRUE(*model.is_always_default) << mode.name;
  return {*state, answer->output, status->loss};
}

TEST(FloatingPoint, ModesAndTrapsOfAHostChangeNoBit) {
  for (const Running running : {Running::stepped, Running::own_threads, Running::host_executor}) {
    const Outcome expected = outcome_of(running, default_mode);
    for (const Mode& mode : modes) {
      EXPECT_TRUE(outcome_of(running, mode) == expected)
          << mode.name << ", way " << static_cast<int>(running);
    }
  }
}

TEST(FloatingPoint, ModesOfAnActorSystemChangeNoBitOfItsLearner) {
  std::vector<AnyValue> batches;
  for (std::uint64_t i = 0; i < 24; ++i) {
    batches.push_back(AnyValue::of(examples_of(i)));
  }
  const auto input = AnyValue::of(std::vector<float>{0.25f, -0.75f});
  auto options = small_options();
  options.total_steps = 8;
  const auto outcome = [&](const Mode& mode) {
    const Watching model;
    const HostMode set(mode);
    caf::actor_system_config config;
    configure(config);
    caf::actor_system system(config);  // whose workers inherit the mode
    const auto learner = spawn_learner(system, make_trainable(model), options);
    for (const auto& batch : batches) {
      static_cast<void>(runtime::ask<batch_taken>(system, *learner, submit_batch{batch}).get());
    }
    Status status;
    while (status.progress == Progress::working) {
      status = *runtime::ask<Status>(system, *learner, ask_status{}).get();
    }
    const auto answer = runtime::ask<model_answer>(system, *learner, ask_model{input}).get();
    runtime::forget_system_on_this_thread();
    caf::anon_send_exit(*learner, caf::exit_reason::user_shutdown);
    EXPECT_EQ(answer->version, 8u);
    EXPECT_TRUE(*model.is_always_default) << mode.name;
    return std::pair(*static_cast<const std::vector<float>*>(answer->output.value.get()),
                     status.loss);
  };
  const auto expected = outcome(default_mode);
  for (const Mode& mode : modes) {
    if (mode.traps == 0) {  // CAF itself computes
      EXPECT_EQ(outcome(mode), expected) << mode.name;
    }
  }
}

TEST(FloatingPoint, AModeLeavesNoFlagsAndTrapsNothing) {
  for (const Mode& mode : modes) {
    const HostMode set(mode);
    const unsigned before = _mm_getcsr();
    {
      const runtime::FloatingPointMode scope;
      EXPECT_TRUE(is_default_mode());
      volatile float zero = 0;
      volatile long double long_zero = 0;
      static_cast<void>(1 / zero);
      static_cast<void>(1 / long_zero);
    }
    EXPECT_EQ(_mm_getcsr(), before);
    EXPECT_EQ(std::fegetround(), mode.rounding);
    EXPECT_EQ(fegetexcept(), mode.traps);
    volatile long double one = 1;  // no trap of the scope's waits here
    one = one + one;
  }
}

}  // namespace
}  // namespace nodezero::testing
