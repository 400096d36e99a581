// SPDX-License-Identifier: BSD-3-Clause

// A save that fails leaves a trainer that goes on, or says that it has failed and can be restored.

#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "nodezero/trainer.hpp"
#include "support/executors.hpp"
#include "support/gate.hpp"
#include "support/models.hpp"
#include "support/scarcity.hpp"

namespace nodezero::testing {
namespace {

using namespace std::chrono_literals;

constexpr auto all_ways = {Running::stepped, Running::own_threads, Running::host_executor};

/// Two inputs and tensors that are large in the sense of Scarcity.
MultilayerPerceptron larger_model() {
  return MultilayerPerceptron({2, 80, 80, 1});
}

/// Whether a step more is done with the batches from its first one on.
bool does_a_step(Trainer& trainer, Running running) {
  const Status before = trainer.status();
  for (std::uint64_t i = before.taken + before.waiting; i < before.taken + 3; ++i) {
    EXPECT_TRUE(trainer.submit(examples_of(i)));
  }
  if (running == Running::stepped) {
    EXPECT_TRUE(trainer.advance_to(0));
    return trainer.status().steps > before.steps;
  }
  const auto status = trainer.wait_for_steps(before.steps + 1, 5min);
  return status && status->steps > before.steps;
}

TEST(FailingSave, ForWantOfMemoryLeavesATrainerThatGoesOnOrSaysThatItHasFailed) {
  for (const Running running : all_ways) {
    bool was_felt = true;
    int before = 0;
    for (; was_felt; ++before) {
      const std::string what = "way " + std::to_string(static_cast<int>(running)) + ", after " +
                               std::to_string(before) + " allocations";
      must_return(what, [&] {
        auto options = small_options();
        options.running = running;
        options.execute = run_at_once;
        auto trainer = Trainer::create(larger_model(), options);
        ASSERT_TRUE(trainer) << trainer.error().message;
        const auto first = trainer->save();
        ASSERT_TRUE(does_a_step(*trainer, running)) << what;
        ASSERT_TRUE(trainer->submit(examples_of(3)));
        bool is_saved = false;
        {
          const Scarcity scarcity(before);
          is_saved = trainer->save().has_value();
          // Whoever asks next is answered when training has gone on.
          (void)trainer->predict<std::vector<float>>(std::vector<float>{1, 1});
          was_felt = scarcity.was_felt();
        }
        EXPECT_TRUE(is_saved || was_felt) << what;
        const Status status = trainer->status();
        if (status.progress == Progress::failed) {
          EXPECT_NE(status.failure.find("bad_alloc"), std::string::npos) << status.failure;
          EXPECT_TRUE(trainer->predict<std::vector<float>>(std::vector<float>{1, 1})) << what;
          ASSERT_TRUE(trainer->restore(*first)) << what;
        }
        EXPECT_TRUE(does_a_step(*trainer, running)) << what << ", " << trainer->status().failure;
        EXPECT_TRUE(trainer->save()) << what;
      });
    }
    EXPECT_GT(before, 3) << "way " << static_cast<int>(running);
  }
}

}  // namespace
}  // namespace nodezero::testing
