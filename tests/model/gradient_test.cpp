// SPDX-License-Identifier: BSD-3-Clause

// Rows C5, C6, C7 and C10 of the regressions: loss and gradient come from the logits, in
// every tensor, and hold no term that the loss does not have.
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "model/gpt2/gpt2.hpp"
#include "model/gpt2/gpt2_layout.hpp"
#include "model/kernels/floating_point_scope.hpp"
#include "model/training/adamw.hpp"
#include "tests/model/reference/gpt2.hpp"
#include "tests/model/support/small_model.hpp"

namespace nodezero::model {
namespace {

using test::distance;
using test::norm;
using test::random_batch;
using test::uneven_weights;
using test::widened;

const DropoutKey key{.seed = 11, .step = 5, .position = 3};

/// Compares the reference gradient with central differences of the reference loss along a
/// random direction in each tensor, which sees an error in any of its elements.
void expect_finite_differences(const ModelConfig& config, const MicroBatch& batch) {
  const Parameters weights = uneven_weights(config, 1);
  const std::vector<double> w = widened(weights);
  std::vector<double> gradient(w.size());
  reference::loss_and_gradient(config, w, batch, key, gradient);
  for (const TensorInfo& tensor : weights.layout()->tensors()) {
    for (std::uint64_t trial = 0; trial < 3; ++trial) {
      const std::vector<double> direction = test::noise(tensor.size, 100 + trial);
      const auto loss_at = [&](double distance) {
        std::vector<double> moved = w;
        for (std::size_t i = 0; i < tensor.size; ++i) {
          moved[tensor.offset + i] += distance * direction[i];
        }
        return reference::loss(config, moved, batch, key);
      };
      const double h = 1e-5;
      const double numeric = (loss_at(h) - loss_at(-h)) / (2 * h);
      double analytic = 0;
      for (std::size_t i = 0; i < tensor.size; ++i) {
        analytic += gradient[tensor.offset + i] * direction[i];
      }
      EXPECT_NEAR(analytic, numeric, 1e-6 * (1 + std::abs(numeric))) << tensor.name;
    }
  }
}

const ModelConfig tiny{.layers = 2, .heads = 2, .width = 6, .context = 5, .vocabulary = 7};

TEST(Gradient, MatchesFiniteDifferencesForEveryTensor) {
  expect_finite_differences(tiny, random_batch(tiny, 2, 5, 1));
}

TEST(Gradient, MatchesFiniteDifferencesWithMaskedTargets) {
  expect_finite_differences(tiny, random_batch(tiny, 2, 5, 1, 3));
}

TEST(Gradient, MatchesFiniteDifferencesWithDropout) {
  ModelConfig config = tiny;
  config.dropout = 0.3;
  expect_finite_differences(config, random_batch(config, 2, 5, 1));
}

TEST(Gradient, MatchesFiniteDifferencesForTheWholeFamily) {
  for (const ModelConfig& config : test::family_of(tiny)) {
    expect_finite_differences(config, random_batch(config, 2, 5, 1, 4));
  }
}

/// Holds the fast path against the reference, tensor by tensor.
void expect_equal_paths(const ModelConfig& config, const MicroBatch& batch,
                        double tolerance = 1e-5) {
  SCOPED_TRACE("layers " + std::to_string(config.layers) + " heads " +
               std::to_string(config.heads) + " width " + std::to_string(config.width) +
               " vocabulary " + std::to_string(config.vocabulary) + " batch " +
               std::to_string(batch.sequences) + " x " + std::to_string(batch.context));
  const FloatingPointScope scope;
  const Parameters weights = uneven_weights(config, 2);
  std::vector<double> expected(weights.values().size());
  const double expected_loss =
      reference::loss_and_gradient(config, widened(weights), batch, key, expected);

  Gradient gradient(weights.layout());
  // What a gradient buffer holds before must not matter.
  for (const TensorInfo& tensor : weights.layout()->tensors()) {
    for (float& value : gradient[tensor]) {
      value = std::numeric_limits<float>::quiet_NaN();
    }
  }
  Workspace workspace;
  const LossSum sum = loss_and_gradient(config, weights, batch, key, gradient, workspace);
  EXPECT_EQ(sum.valid_tokens, batch.valid_tokens);
  EXPECT_NEAR(sum.negative_log_likelihood, expected_loss, 2e-6 * std::abs(expected_loss));
  if (config.dropout == 0) {
    EXPECT_NEAR(loss(config, weights, batch, workspace).negative_log_likelihood, expected_loss,
                2e-6 * std::abs(expected_loss));
  }
  // A tensor's gradient may be next to nothing (behind a LayerNorm of one or two channels,
  // or with a single key) and then is all rounding; the whole gradient sets that scale.
  const double whole = norm(expected);
  for (const TensorInfo& tensor : weights.layout()->tensors()) {
    const std::span<const double> part = std::span(expected).subspan(tensor.offset, tensor.size);
    EXPECT_LT(distance(gradient[tensor], part), tolerance * norm(part) + 1e-6 * whole)
        << tensor.name;
  }
}

TEST(FastPath, MatchesTheReferenceOverOddShapes) {
  const struct {
    std::int64_t layers, heads, width, context, vocabulary, sequences, batch_context;
  } shapes[] = {{1, 1, 1, 1, 2, 1, 1},       {1, 1, 2, 3, 2, 1, 3},       {2, 3, 21, 13, 31, 3, 13},
                {1, 5, 35, 17, 97, 2, 11},   {3, 2, 34, 67, 101, 1, 67},  {1, 1, 127, 3, 65, 5, 2},
                {2, 4, 64, 129, 65, 1, 129}, {1, 3, 51, 200, 19, 1, 193}, {1, 2, 32, 8, 1031, 2, 8},
                {2, 4, 128, 64, 65, 2, 64}};
  for (const auto& shape : shapes) {
    const ModelConfig config{.layers = shape.layers,
                             .heads = shape.heads,
                             .width = shape.width,
                             .context = shape.context,
                             .vocabulary = shape.vocabulary};
    expect_equal_paths(config, random_batch(config, shape.sequences, shape.batch_context, 4));
    expect_equal_paths(config, random_batch(config, shape.sequences, shape.batch_context, 5, 2));
  }
}

TEST(FastPath, MatchesTheReferenceWithDropout) {
  for (const double rate : {0.1, 0.5}) {
    ModelConfig config{.layers = 2, .heads = 3, .width = 33, .context = 71, .vocabulary = 29};
    config.dropout = rate;
    expect_equal_paths(config, random_batch(config, 2, 71, 6, 5));
  }
}

TEST(FastPath, MatchesTheReferenceForTheWholeFamily) {
  const ModelConfig config{.layers = 3, .heads = 3, .width = 33, .context = 71, .vocabulary = 29};
  for (const ModelConfig& member : test::family_of(config)) {
    expect_equal_paths(member, random_batch(member, 2, 71, 6, 5));
  }
}

TEST(FastPath, SplitsALargeVocabularyIntoBlocksOfRows) {
  const ModelConfig config{
      .layers = 1, .heads = 1, .width = 2, .context = 48, .vocabulary = 260'000};
  ASSERT_LT(workspace_bytes(config, Precision::fp32, 1), 48u * 260'000 * sizeof(float));
  // Sums of 260,000 terms, one by one in fp32.
  expect_equal_paths(config, random_batch(config, 1, 48, 8), 2e-5);
}

TEST(Loss, StartsNearTheLogarithmOfTheVocabulary) {
  const ModelConfig config{.layers = 4, .heads = 4, .width = 64, .context = 32, .vocabulary = 65};
  Parameters weights(gpt2_layout(config));
  initialize(config, 1, weights);
  const MicroBatch batch = random_batch(config, 4, 32, 9);
  Workspace workspace;
  const LossSum sum = loss(config, weights, batch, workspace);
  EXPECT_NEAR(sum.negative_log_likelihood / static_cast<double>(sum.valid_tokens), std::log(65.0),
              0.1);
}

TEST(Loss, FallsBelowATenthWhenOneBatchIsLearntByHeart) {
  const ModelConfig config{.layers = 2, .heads = 2, .width = 32, .context = 16, .vocabulary = 31};
  Parameters weights(gpt2_layout(config));
  initialize(config, 1, weights);
  const Parameters first = [&] {
    Parameters copy(weights.layout());
    std::copy(weights.values().begin(), weights.values().end(), copy.values().begin());
    return copy;
  }();
  const MicroBatch batch = random_batch(config, 2, 16, 10);
  Gradient gradient(weights.layout());
  OptimizerState state(weights.layout());
  Workspace workspace;
  double mean = 0;
  for (std::uint64_t step = 1; step <= 200; ++step) {
    const LossSum sum = loss_and_gradient(config, weights, batch, key, gradient, workspace);
    mean = sum.negative_log_likelihood / static_cast<double>(sum.valid_tokens);
    const UpdateScalars scalars{.step = step,
                                .learning_rate = 3e-3,
                                .gradient_scale = 1.0 / static_cast<double>(sum.valid_tokens)};
    adamw_update({}, scalars, gradient, weights, weights, state, 0,
                 norm_block_count(*weights.layout()));
    if (step == 1) {
      for (const TensorInfo& tensor : weights.layout()->tensors()) {
        EXPECT_GT(distance(weights[tensor], first[tensor]), 0) << tensor.name;
      }
    }
  }
  EXPECT_LT(mean, 0.1);
}

TEST(Gradient, IsZeroWhenEveryTargetIsMasked) {
  const Parameters weights = uneven_weights(tiny, 3);
  const MicroBatch batch = random_batch(tiny, 2, 5, 1, 1);
  Gradient gradient(weights.layout());
  Workspace workspace;
  const LossSum sum = loss_and_gradient(tiny, weights, batch, key, gradient, workspace);
  EXPECT_EQ(sum.valid_tokens, 0);
  EXPECT_EQ(sum.negative_log_likelihood, 0);
  for (const float value : gradient.values()) {
    ASSERT_EQ(value, 0);
  }
}

// Row C6: numbers that are not finite must reach the guard that rejects the step.
TEST(Gradient, IsNotFiniteWhenAWeightOfAnyTensorIsNot) {
  const ModelConfig config{.layers = 2, .heads = 2, .width = 32, .context = 16, .vocabulary = 31};
  MicroBatch batch = random_batch(config, 2, 16, 11);
  batch.inputs[0] = 0;
  const Parameters good = uneven_weights(config, 4);
  Workspace workspace;
  Gradient gradient(good.layout());
  for (const float poison :
       {std::numeric_limits<float>::quiet_NaN(), std::nanf("0x1234"),
        std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()}) {
    for (const TensorInfo& tensor : good.layout()->tensors()) {
      Parameters bad = uneven_weights(config, 4);
      bad[tensor][0] = poison;
      const LossSum sum = loss_and_gradient(config, bad, batch, key, gradient, workspace);
      std::vector<double> blocks(norm_block_count(*good.layout()));
      squared_norm_blocks(gradient, 0, blocks);
      EXPECT_FALSE(std::isfinite(sum.negative_log_likelihood) &&
                   std::isfinite(sum_along_tree(blocks)))
          << tensor.name << " = " << poison;
    }
  }
}

TEST(FastPath, RefusesABatchThatWouldReadOutsideOfItsBuffers) {
  const Parameters weights = uneven_weights(tiny, 1);
  Gradient gradient(weights.layout());
  Workspace workspace;
  const auto run = [&](const MicroBatch& batch) {
    loss_and_gradient(tiny, weights, batch, key, gradient, workspace);
  };
  MicroBatch batch = random_batch(tiny, 2, 5, 1);
  batch.inputs[3] = 7;
  EXPECT_THROW(run(batch), std::invalid_argument);
  batch = random_batch(tiny, 2, 5, 1);
  batch.targets[3] = -2;
  EXPECT_THROW(run(batch), std::invalid_argument);
  batch = random_batch(tiny, 2, 5, 1);
  batch.targets.pop_back();
  EXPECT_THROW(run(batch), std::invalid_argument);
  EXPECT_THROW(run(random_batch(tiny, 1, 6, 1)), std::invalid_argument);
}

}  // namespace
}  // namespace nodezero::model
