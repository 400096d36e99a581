// SPDX-License-Identifier: BSD-3-Clause

// Training in bf16: loss and gradient against the fp32 path, and the same promises about bits.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "model/gpt2/gpt2.hpp"
#include "model/gpt2/gpt2_layout.hpp"
#include "model/gpt2/workspace.hpp"
#include "model/kernels/floating_point_scope.hpp"
#include "model/training/adamw.hpp"
#include "tests/model/support/small_model.hpp"

namespace nodezero::model {
namespace {

using test::random_batch;
using test::uneven_weights;

const DropoutKey key{.seed = 11, .step = 5, .position = 3};

struct Outcome {
  double loss;
  Gradient gradient;
};

Outcome run(const ModelConfig& config, const Parameters& weights, const MicroBatch& batch,
            Workspace& workspace) {
  const FloatingPointScope scope;
  Outcome outcome{0, Gradient(weights.layout())};
  // What a gradient buffer holds before must not matter.
  for (const TensorInfo& tensor : weights.layout()->tensors()) {
    std::ranges::fill(outcome.gradient[tensor], std::numeric_limits<float>::quiet_NaN());
  }
  const LossSum sum = loss_and_gradient(config, weights, batch, key, outcome.gradient, workspace);
  EXPECT_EQ(sum.valid_tokens, batch.valid_tokens);
  outcome.loss = sum.negative_log_likelihood;
  return outcome;
}

/// A factor in bf16 is off by at most one part in 512, one in 900 in the mean; the errors of
/// the factors of a sum and of the layers it passes add up like random ones. Where an error changes
/// the sign of what ReLU sees, its derivative jumps.
void expect_close(const ModelConfig& config, const MicroBatch& batch) {
  SCOPED_TRACE("layers " + std::to_string(config.layers) + " heads " +
               std::to_string(config.heads) + " width " + std::to_string(config.width) +
               " vocabulary " + std::to_string(config.vocabulary) + " batch " +
               std::to_string(batch.sequences) + " x " + std::to_string(batch.context));
  const Parameters weights = uneven_weights(config, 2);
  Workspace wide, narrow(Precision::bf16);
  const Outcome expected = run(config, weights, batch, wide);
  const Outcome outcome = run(config, weights, batch, narrow);
  EXPECT_NEAR(outcome.loss, expected.loss, 5e-3 * std::abs(expected.loss));
  if (config.dropout == 0) {
    EXPECT_NEAR(loss(config, weights, batch, narrow).negative_log_likelihood, outcome.loss,
                1e-6 * std::abs(outcome.loss));
  }
  const double whole = test::norm(test::widened(expected.gradient));
  const double jump = config.activation == Activation::relu ? 2 : 1;
  for (const TensorInfo& tensor : weights.layout()->tensors()) {
    const auto all = test::widened(expected.gradient);
    const std::span<const double> part = std::span(all).subspan(tensor.offset, tensor.size);
    EXPECT_LT(test::distance(outcome.gradient[tensor], part),
              jump * (0.02 * test::norm(part) + 0.004 * whole))
        << tensor.name << " of norm " << test::norm(part) << " of " << whole;
  }
}

TEST(Bf16Gradient, IsNearThatOfFp32ForTheWholeFamily) {
  const ModelConfig config{.layers = 2, .heads = 3, .width = 33, .context = 71, .vocabulary = 29};
  for (const ModelConfig& member : test::family_of(config)) {
    expect_close(member, random_batch(member, 2, 71, 6, 5));
  }
}

TEST(Bf16Gradient, IsNearThatOfFp32OverOddShapes) {
  const struct {
    std::int64_t layers, heads, width, context, vocabulary, sequences, batch_context;
  } shapes[] = {{2, 3, 21, 13, 31, 3, 13}, {1, 5, 35, 17, 97, 2, 11},   {3, 2, 34, 67, 101, 1, 67},
                {1, 1, 127, 3, 65, 5, 2},  {2, 4, 64, 129, 65, 1, 129}, {1, 3, 51, 200, 19, 1, 193},
                {1, 2, 32, 8, 1031, 2, 8}, {2, 4, 128, 64, 65, 2, 64},  {1, 3, 63, 5, 2100, 1, 5},
                {1, 11, 33, 70, 17, 2, 70}};
  for (const auto& shape : shapes) {
    const ModelConfig config{.layers = shape.layers,
                             .heads = shape.heads,
                             .width = shape.width,
                             .context = shape.context,
                             .vocabulary = shape.vocabulary};
    expect_close(config, random_batch(config, shape.sequences, shape.batch_context, 4));
    expect_close(config, random_batch(config, shape.sequences, shape.batch_context, 5, 2));
  }
}

TEST(Bf16Gradient, IsNearThatOfFp32WithDropout) {
  for (const double rate : {0.1, 0.5}) {
    ModelConfig config{.layers = 2, .heads = 3, .width = 33, .context = 71, .vocabulary = 29};
    config.dropout = rate;
    expect_close(config, random_batch(config, 2, 71, 6, 5));
  }
}

TEST(Bf16Gradient, SplitsALargeVocabularyIntoBlocksOfRows) {
  const ModelConfig config{
      .layers = 1, .heads = 2, .width = 16, .context = 48, .vocabulary = 260'000};
  ASSERT_LT(workspace_bytes(config, Precision::bf16, 1), 48u * 260'000 * sizeof(float));
  expect_close(config, random_batch(config, 1, 48, 8));
}

TEST(Bf16Gradient, IsZeroWhenEveryTargetIsMasked) {
  const ModelConfig config{.layers = 2, .heads = 2, .width = 6, .context = 5, .vocabulary = 7};
  const Parameters weights = uneven_weights(config, 3);
  Workspace workspace(Precision::bf16);
  const Outcome outcome = run(config, weights, random_batch(config, 2, 5, 1, 1), workspace);
  EXPECT_EQ(outcome.loss, 0);
  for (const TensorInfo& tensor : weights.layout()->tensors()) {
    for (const float value : outcome.gradient[tensor]) {
      ASSERT_EQ(value, 0) << tensor.name;
    }
  }
}

TEST(Bf16Gradient, IsNotFiniteWhenAWeightOfAnyTensorIsNot) {
  const ModelConfig config{.layers = 2, .heads = 2, .width = 32, .context = 16, .vocabulary = 31};
  MicroBatch batch = random_batch(config, 2, 16, 11);
  batch.inputs[0] = 0;
  Workspace workspace(Precision::bf16);
  for (const float poison :
       {std::numeric_limits<float>::quiet_NaN(), std::nanf("0x1234"),
        std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()}) {
    Parameters bad = uneven_weights(config, 4);
    for (const TensorInfo& tensor : bad.layout()->tensors()) {
      const float good = std::exchange(bad[tensor][0], poison);
      const Outcome outcome = run(config, bad, batch, workspace);
      std::vector<double> blocks(norm_block_count(*bad.layout()));
      squared_norm_blocks(outcome.gradient, 0, blocks);
      EXPECT_FALSE(std::isfinite(outcome.loss) && std::isfinite(sum_along_tree(blocks)))
          << tensor.name << " = " << poison;
      bad[tensor][0] = good;
    }
  }
}

TEST(Bf16Gradient, HasTheSameBitsInAnyThreadAndWorkspace) {
  const ModelConfig config{
      .layers = 2, .heads = 3, .width = 48, .context = 80, .vocabulary = 67, .dropout = 0.1};
  const ModelConfig other{.layers = 1, .heads = 1, .width = 80, .context = 128, .vocabulary = 300};
  const Parameters weights = uneven_weights(config, 1);
  const MicroBatch batch = random_batch(config, 2, 80, 1);
  Workspace workspace(Precision::bf16);
  const Outcome first = run(config, weights, batch, workspace);
  const auto expect_same = [&](const Outcome& outcome) {
    EXPECT_EQ(outcome.loss, first.loss);
    const auto a = first.gradient.values(), b = outcome.gradient.values();
    EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size_bytes()), 0);
  };
  run(other, uneven_weights(other, 2), random_batch(other, 3, 128, 1), workspace);
  expect_same(run(config, weights, batch, workspace));
  std::thread([&] {
    Workspace fresh(Precision::bf16);
    expect_same(run(config, weights, batch, fresh));
  }).join();
}

TEST(Bf16Gradient, TakesTheWorkspaceThatWasForeseenAndLessThanFp32) {
  const ModelConfig config{.layers = 4, .heads = 4, .width = 64, .context = 48, .vocabulary = 65};
  const Parameters weights = uneven_weights(config, 1);
  Workspace workspace(Precision::bf16);
  run(config, weights, random_batch(config, 3, 48, 1), workspace);
  EXPECT_EQ(workspace.state().buffer.size() * sizeof(float),
            workspace_bytes(config, Precision::bf16, 3));
  EXPECT_LT(workspace_bytes(config, Precision::bf16, 8),
            workspace_bytes(config, Precision::fp32, 8));
  const float* const before = workspace.state().buffer.data();
  run(config, weights, random_batch(config, 1, 7, 1), workspace);
  EXPECT_EQ(workspace.state().buffer.data(), before);
}

TEST(Bf16Gradient, LearnsOneBatchByHeart) {
  const ModelConfig config{.layers = 2, .heads = 2, .width = 32, .context = 16, .vocabulary = 31};
  Parameters weights(gpt2_layout(config));
  initialize(config, 1, weights);
  const MicroBatch batch = random_batch(config, 2, 16, 10);
  OptimizerState state(weights.layout());
  Workspace workspace(Precision::bf16);
  double mean = 0;
  for (std::uint64_t step = 1; step <= 200; ++step) {
    const Outcome outcome = run(config, weights, batch, workspace);
    mean = outcome.loss / static_cast<double>(batch.valid_tokens);
    const UpdateScalars scalars{.step = step,
                                .learning_rate = 3e-3,
                                .gradient_scale = 1.0 / static_cast<double>(batch.valid_tokens)};
    adamw_update({}, scalars, outcome.gradient, weights, weights, state, 0,
                 norm_block_count(*weights.layout()));
  }
  EXPECT_LT(mean, 0.1);
}

}  // namespace
}  // namespace nodezero::model
