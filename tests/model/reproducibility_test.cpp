// SPDX-License-Identifier: BSD-3-Clause

// The bits of loss and gradient depend on weights, batch and key alone: not on the thread,
// the host's floating-point mode, addresses, or what a workspace did before.
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>
#include <xmmintrin.h>

#include <gtest/gtest.h>

#include "model/gpt2/gpt2.hpp"
#include "model/kernels/floating_point_scope.hpp"
#include "tests/model/support/small_model.hpp"

namespace nodezero::model {
namespace {

const ModelConfig config{
    .layers = 2, .heads = 3, .width = 48, .context = 80, .vocabulary = 67, .dropout = 0.1};

struct Outcome {
  double loss;
  std::vector<float> gradient;
};

Outcome run(Workspace& workspace, const DropoutKey& key = {.seed = 1, .step = 2, .position = 3}) {
  const FloatingPointScope scope;
  const Parameters weights = test::uneven_weights(config, 1);
  Gradient gradient(weights.layout());
  const LossSum sum = loss_and_gradient(config, weights, test::random_batch(config, 2, 80, 1), key,
                                        gradient, workspace);
  return {sum.negative_log_likelihood, {gradient.values().begin(), gradient.values().end()}};
}

Outcome run() {
  Workspace workspace;
  return run(workspace);
}

bool same_bits(const Outcome& a, const Outcome& b) {
  return std::memcmp(&a.loss, &b.loss, sizeof a.loss) == 0 &&
         a.gradient.size() == b.gradient.size() &&
         std::memcmp(a.gradient.data(), b.gradient.data(), a.gradient.size() * sizeof(float)) == 0;
}

TEST(Bits, AreTheSameOnEveryRun) {
  Workspace workspace;
  const Outcome first = run(workspace);
  EXPECT_TRUE(same_bits(first, run(workspace)));
  EXPECT_TRUE(same_bits(first, run()));
}

TEST(Bits, AreTheSameAfterAnotherShapeWasInTheWorkspace) {
  Workspace workspace;
  const Outcome first = run(workspace);
  const ModelConfig other{.layers = 1, .heads = 1, .width = 80, .context = 128, .vocabulary = 300};
  const Parameters weights = test::uneven_weights(other, 2);
  Gradient gradient(weights.layout());
  loss_and_gradient(other, weights, test::random_batch(other, 3, 128, 1), {}, gradient, workspace);
  EXPECT_TRUE(same_bits(first, run(workspace)));
}

TEST(Bits, AreTheSameInAnotherThread) {
  const Outcome here = run();
  Outcome there;
  std::thread([&] { there = run(); }).join();
  EXPECT_TRUE(same_bits(here, there));
}

TEST(Bits, AreTheSameWhateverTheHostHasSet) {
  const Outcome expected = run();
  constexpr unsigned flush_and_round_down = 0x8000 | 0x0040 | 0x2000 | 0x1F80;
  const unsigned before = _mm_getcsr();
  _mm_setcsr(flush_and_round_down);
  const Outcome outcome = run();
  EXPECT_EQ(_mm_getcsr() & ~0x3Fu, flush_and_round_down);  // but for the sticky flags
  _mm_setcsr(before);
  EXPECT_TRUE(same_bits(expected, outcome));
}

TEST(Bits, OfDropoutDependOnSeedStepAndPosition) {
  Workspace workspace;
  const Outcome first = run(workspace);
  EXPECT_FALSE(same_bits(first, run(workspace, {.seed = 2, .step = 2, .position = 3})));
  EXPECT_FALSE(same_bits(first, run(workspace, {.seed = 1, .step = 3, .position = 3})));
  EXPECT_FALSE(same_bits(first, run(workspace, {.seed = 1, .step = 2, .position = 4})));
}

TEST(FloatingPointScope, RestoresWhatItFound) {
  const unsigned before = _mm_getcsr();
  {
    const FloatingPointScope scope;
    EXPECT_EQ(_mm_getcsr(), 0x1F80u);
  }
  EXPECT_EQ(_mm_getcsr(), before);
}

}  // namespace
}  // namespace nodezero::model
