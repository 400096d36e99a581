// SPDX-License-Identifier: BSD-3-Clause

// Row C9 of the regressions: the optimizer is AdamW, step by step.
#include "model/training/adamw.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "model/gpt2/gpt2_layout.hpp"
#include "tests/model/support/small_model.hpp"

namespace nodezero::model {
namespace {

// More than three norm blocks, with borders of blocks inside of tensors.
const ModelConfig config{.layers = 2, .heads = 2, .width = 96, .context = 19, .vocabulary = 67};

Gradient gradient_of_step(const std::shared_ptr<const TensorLayout>& layout, std::uint64_t step) {
  Gradient gradient(layout);
  for (const TensorInfo& tensor : layout->tensors()) {
    const std::vector<double> values = test::noise(tensor.size, step * 1000 + tensor.offset);
    std::transform(values.begin(), values.end(), gradient[tensor].begin(),
                   [](double value) { return static_cast<float>(value); });
  }
  return gradient;
}

bool same_bits(const TensorSet& a, const TensorSet& b) {
  return std::memcmp(a.values().data(), b.values().data(), a.values().size_bytes()) == 0;
}

TEST(AdamW, MatchesAScalarReferenceOver100Steps) {
  Parameters weights = test::uneven_weights(config, 1);
  const auto layout = weights.layout();
  std::vector<double> w = test::widened(weights), m(w.size()), v(w.size());
  OptimizerState state(layout);
  const OptimizerOptions options{.beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-6, .weight_decay = 0.2};
  for (std::uint64_t step = 1; step <= 100; ++step) {
    const Gradient gradient = gradient_of_step(layout, step);
    const UpdateScalars scalars{
        .step = step, .learning_rate = 1e-3 / static_cast<double>(step), .gradient_scale = 0.25};
    adamw_update(options, scalars, gradient, weights, weights, state, 0, norm_block_count(*layout));
    for (const TensorInfo& tensor : layout->tensors()) {
      for (std::size_t i = tensor.offset; i < tensor.offset + tensor.size; ++i) {
        const double g = 0.25 * gradient.values()[i];
        m[i] = 0.8 * m[i] + 0.2 * g;
        v[i] = 0.95 * v[i] + 0.05 * g * g;
        const double t = static_cast<double>(step);
        const double corrected_m = m[i] / (1 - std::pow(0.8, t));
        const double corrected_v = v[i] / (1 - std::pow(0.95, t));
        if (tensor.shape.size() == 2) {
          w[i] -= scalars.learning_rate * 0.2 * w[i];
        }
        w[i] -= scalars.learning_rate * corrected_m / (std::sqrt(corrected_v) + 1e-6);
      }
    }
  }
  for (const TensorInfo& tensor : layout->tensors()) {
    EXPECT_LT(
        test::relative_distance(weights[tensor], std::span(w).subspan(tensor.offset, tensor.size)),
        1e-6)
        << tensor.name;
  }
}

TEST(AdamW, GivesTheSameBitsInShardsAsWhole) {
  const Parameters weights = test::uneven_weights(config, 1);
  const auto layout = weights.layout();
  const std::size_t blocks = norm_block_count(*layout);
  ASSERT_GE(blocks, 3u);
  const Gradient gradient = gradient_of_step(layout, 1);
  const UpdateScalars scalars{.step = 3, .learning_rate = 1e-3, .gradient_scale = 0.1};
  Parameters whole(layout), sharded(layout);
  OptimizerState whole_state(layout), sharded_state(layout);
  adamw_update({}, scalars, gradient, weights, whole, whole_state, 0, blocks);
  for (std::size_t block = blocks; block-- > 0;) {
    adamw_update({}, scalars, gradient, weights, sharded, sharded_state, block, block + 1);
  }
  EXPECT_TRUE(same_bits(whole, sharded));
  EXPECT_TRUE(same_bits(whole_state.first_moment, sharded_state.first_moment));
  EXPECT_TRUE(same_bits(whole_state.second_moment, sharded_state.second_moment));
}

TEST(AdamW, GivesTheSameBitsInPlaceAsIntoASpareBuffer) {
  Parameters weights = test::uneven_weights(config, 1);
  const auto layout = weights.layout();
  const Gradient gradient = gradient_of_step(layout, 1);
  const UpdateScalars scalars{.step = 1, .learning_rate = 1e-3, .gradient_scale = 1};
  Parameters spare(layout);
  OptimizerState state(layout), other(layout);
  adamw_update({}, scalars, gradient, weights, spare, state, 0, norm_block_count(*layout));
  adamw_update({}, scalars, gradient, weights, weights, other, 0, norm_block_count(*layout));
  EXPECT_TRUE(same_bits(weights, spare));
}

TEST(AdamW, DecaysMatricesOnly) {
  const Parameters weights = test::uneven_weights(config, 1);
  const auto layout = weights.layout();
  const Gradient nothing(layout);
  Parameters next(layout);
  OptimizerState state(layout);
  adamw_update({.weight_decay = 0.5}, {.step = 1, .learning_rate = 0.1, .gradient_scale = 1},
               nothing, weights, next, state, 0, norm_block_count(*layout));
  for (const TensorInfo& tensor : layout->tensors()) {
    const float factor = tensor.shape.size() == 2 ? 0.95f : 1.0f;
    EXPECT_FLOAT_EQ(next[tensor][1], factor * weights[tensor][1]) << tensor.name;
  }
}

TEST(GradientNorm, IsTheSumOfSquaresInDouble) {
  const auto layout = gpt2_layout(config);
  const Gradient gradient = gradient_of_step(layout, 7);
  std::vector<double> blocks(norm_block_count(*layout));
  squared_norm_blocks(gradient, 0, blocks);
  double expected = 0;
  for (const float value : gradient.values()) {
    expected += static_cast<double>(value) * value;
  }
  EXPECT_NEAR(sum_along_tree(blocks), expected, 1e-12 * expected);
  std::vector<double> one(1);
  for (std::size_t block = 0; block < blocks.size(); ++block) {
    squared_norm_blocks(gradient, block, one);
    EXPECT_EQ(one[0], blocks[block]);
  }
}

TEST(GradientNorm, CountsEveryElementOfBuffersOfAnySize) {
  for (const std::int64_t size : {1, 15, 16, 17, 48, 65'535, 65'537, 65'536 + 33}) {
    TensorInfo tensor;
    tensor.name = "a";
    tensor.shape = {size};
    const auto layout = std::make_shared<const TensorLayout>(std::vector{tensor});
    Gradient gradient(layout);
    const std::span<float> values = gradient[layout->tensors()[0]];
    std::fill(values.begin(), values.end(), 2.0f);
    std::vector<double> blocks(norm_block_count(*layout));
    squared_norm_blocks(gradient, 0, blocks);
    EXPECT_EQ(sum_along_tree(blocks), 4.0 * static_cast<double>(size));
  }
}

TEST(GradientNorm, DoesNotHideANumberThatIsNotFinite) {
  const auto layout = gpt2_layout(config);
  Gradient gradient = gradient_of_step(layout, 7);
  gradient.values()[layout->tensors().back().offset] = std::numeric_limits<float>::quiet_NaN();
  std::vector<double> blocks(norm_block_count(*layout));
  squared_norm_blocks(gradient, 0, blocks);
  EXPECT_TRUE(std::isnan(sum_along_tree(blocks)));
}

TEST(LearningRate, StaysUnderTheConstantSchedule) {
  const OptimizerOptions options{.learning_rate = 1.0,
                                 .min_learning_rate = 0.2,
                                 .warmup = 4,
                                 .schedule = LearningRateSchedule::constant};
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 3, 15), 0.8);
  for (const std::uint64_t step : {4, 10, 14}) {
    EXPECT_EQ(learning_rate_at(options, step, 15), 1.0);
  }
}

TEST(LearningRate, FallsOverTheLastStepsUnderWsd) {
  OptimizerOptions options{.learning_rate = 1.0,
                           .min_learning_rate = 0.2,
                           .warmup = 4,
                           .schedule = LearningRateSchedule::wsd,
                           .decay_steps = 4};
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 3, 20), 0.8);
  EXPECT_EQ(learning_rate_at(options, 4, 20), 1.0);
  EXPECT_EQ(learning_rate_at(options, 15, 20), 1.0);
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 16, 20), 0.8);
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 19, 20), 0.2);
  // By default a tenth, rounded up; never more than there are steps.
  options.decay_steps = 0;
  EXPECT_EQ(learning_rate_at(options, 17, 21), 1.0);
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 18, 21), 1.0 - 0.8 / 3);
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 20, 21), 0.2);
  options.warmup = 0;
  options.decay_steps = 100;
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 0, 4), 0.8);
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 3, 4), 0.2);
}

TEST(LearningRate, WarmsUpLinearlyThenFollowsACosine) {
  const OptimizerOptions options{.learning_rate = 1.0, .min_learning_rate = 0.2, .warmup = 4};
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 0, 15), 0.2);
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 3, 15), 0.8);
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 4, 15), 1.0);
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 9, 15), 0.6);
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 14, 15), 0.2);
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 99, 15), 0.2);
}

TEST(LearningRate, IsConstantWithoutWarmUpAndWithEqualBounds) {
  const OptimizerOptions options{.learning_rate = 0.5, .min_learning_rate = 0.5, .warmup = 0};
  for (std::uint64_t step = 0; step < 20; ++step) {
    EXPECT_DOUBLE_EQ(learning_rate_at(options, step, 10), 0.5);
  }
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 0, 1), 0.5);
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 0, 0), 0.5);
}

TEST(OptimizerOptions, IsRefusedWithTheNameOfWhatCannotWork) {
  EXPECT_TRUE(validate(OptimizerOptions{}).has_value());
  const auto message = [](const OptimizerOptions& options) {
    const auto result = validate(options);
    return result ? std::string("accepted") : result.error().message;
  };
  EXPECT_NE(message({.learning_rate = -1}).find("learning_rate"), std::string::npos);
  EXPECT_NE(message({.learning_rate = std::nan("")}).find("learning_rate"), std::string::npos);
  EXPECT_NE(message({.min_learning_rate = 1}).find("min_learning_rate"), std::string::npos);
  EXPECT_NE(message({.beta1 = 1}).find("beta1"), std::string::npos);
  EXPECT_NE(message({.beta2 = -0.1}).find("beta2"), std::string::npos);
  EXPECT_NE(message({.epsilon = 0}).find("epsilon"), std::string::npos);
  EXPECT_NE(message({.weight_decay = -1}).find("weight_decay"), std::string::npos);
  EXPECT_NE(message({.clip = -1}).find("clip"), std::string::npos);
}

TEST(AddInPlace, AddsEveryElement) {
  const auto layout = gpt2_layout(config);
  Gradient sum = gradient_of_step(layout, 1);
  const Gradient before = gradient_of_step(layout, 1), addend = gradient_of_step(layout, 2);
  add_in_place(sum.values(), addend.values());
  for (std::size_t i = 0; i < sum.values().size(); ++i) {
    ASSERT_EQ(sum.values()[i], before.values()[i] + addend.values()[i]);
  }
}

}  // namespace
}  // namespace nodezero::model
