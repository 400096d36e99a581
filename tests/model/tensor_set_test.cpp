// SPDX-License-Identifier: BSD-3-Clause
#include "model/tensors/tensor_set.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>

#include <gtest/gtest.h>

#include "model/gpt2/gpt2.hpp"
#include "model/gpt2/gpt2_layout.hpp"

namespace nodezero::model {
namespace {

const ModelConfig gpt2_small{
    .layers = 12, .heads = 12, .width = 768, .context = 1024, .vocabulary = 50257};

TEST(TensorLayout, HasTheParametersOfGpt2) {
  const auto layout = gpt2_layout(gpt2_small);
  EXPECT_EQ(layout->parameter_count(), 124'439'808u);
  EXPECT_EQ(layout->tensors().size(), 4u + 12u * 12u);
  ASSERT_NE(layout->find("transformer.h.11.attn.c_attn.weight"), nullptr);
  EXPECT_EQ(layout->find("transformer.h.11.attn.c_attn.weight")->shape,
            (std::vector<std::int64_t>{768, 2304}));
  EXPECT_EQ(layout->find("lm_head.weight"), nullptr);
}

TEST(TensorLayout, OrdersTensorsByNameOnCacheLinesWithoutOverlap) {
  const auto layout =
      gpt2_layout({.layers = 11, .heads = 1, .width = 5, .context = 3, .vocabulary = 7});
  std::size_t end = 0;
  std::string before;
  for (const TensorInfo& tensor : layout->tensors()) {
    EXPECT_LT(before, tensor.name);
    EXPECT_EQ(tensor.offset % 16, 0u);
    EXPECT_GE(tensor.offset, end);
    EXPECT_LT(tensor.offset, end + 16);
    EXPECT_EQ(tensor.decayed, tensor.shape.size() == 2);
    EXPECT_EQ(layout->find(tensor.name), &tensor);
    end = tensor.offset + tensor.size;
    before = tensor.name;
  }
  EXPECT_GE(layout->buffer_size(), end);
}

TEST(AlignedBuffer, IsZeroedAndAlignedInEverySize) {
  for (const std::size_t size : {1, 15, 16, 1000, 1 << 20, (1 << 20) + 1, 5'000'000}) {
    AlignedBuffer buffer(size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64, 0u);
    EXPECT_EQ(std::count(buffer.span().begin(), buffer.span().end(), 0.0f),
              static_cast<std::ptrdiff_t>(size));
    buffer.data()[size - 1] = 1;
    AlignedBuffer moved(std::move(buffer));
    EXPECT_EQ(moved.span().back(), 1);
    EXPECT_EQ(buffer.size(), 0u);
    buffer = std::move(moved);
    EXPECT_EQ(buffer.span().back(), 1);
  }
}

TEST(InitialWeights, HaveTheMomentsOfGpt2AndDependOnTheSeed) {
  const ModelConfig config{.layers = 2, .heads = 2, .width = 64, .context = 32, .vocabulary = 97};
  Parameters weights(gpt2_layout(config)), other(weights.layout());
  initialize(config, 1, weights);
  initialize(config, 2, other);
  for (const TensorInfo& tensor : weights.layout()->tensors()) {
    double mean = 0, square = 0;
    for (const float value : weights[tensor]) {
      mean += value / static_cast<double>(tensor.size);
      square += static_cast<double>(value) * value / static_cast<double>(tensor.size);
    }
    if (tensor.shape.size() == 2) {
      const double deviation = tensor.name.ends_with("c_proj.weight") ? 0.01 : 0.02;
      EXPECT_NEAR(mean, 0, 0.1 * deviation) << tensor.name;
      EXPECT_NEAR(std::sqrt(square), deviation, 0.05 * deviation) << tensor.name;
      EXPECT_NE(weights[tensor][0], other[tensor][0]);
    } else {
      EXPECT_EQ(square, tensor.name.ends_with("bias") ? 0 : 1) << tensor.name;
    }
  }
}

TEST(InitialWeights, AreNormal) {
  const ModelConfig config{.layers = 1, .heads = 1, .width = 256, .context = 8, .vocabulary = 1000};
  Parameters weights(gpt2_layout(config));
  initialize(config, 1, weights);
  const std::span<const float> values = weights.at("transformer.wte.weight");
  const auto share_within = [&](double deviations) {
    const auto inside = std::count_if(values.begin(), values.end(), [&](float value) {
      return std::abs(value) < 0.02 * deviations;
    });
    return static_cast<double>(inside) / static_cast<double>(values.size());
  };
  for (const double deviations : {0.1, 0.5, 1.0, 2.0, 3.0}) {
    EXPECT_NEAR(share_within(deviations), std::erf(deviations / std::sqrt(2.0)), 0.003);
  }
  double neighbours = 0;
  for (std::size_t i = 0; i + 16 < values.size(); ++i) {
    neighbours += static_cast<double>(values[i]) * (values[i + 1] + values[i + 16]);
  }
  EXPECT_NEAR(neighbours / static_cast<double>(values.size()), 0, 0.01 * 0.02 * 0.02);
}

TEST(ModelConfig, IsRefusedWhenItCannotWork) {
  EXPECT_TRUE(validate(gpt2_small).has_value());
  EXPECT_FALSE(validate(ModelConfig{.layers = 0}).has_value());
  EXPECT_FALSE(validate(ModelConfig{.heads = 3, .width = 128}).has_value());
  EXPECT_FALSE(validate(ModelConfig{.vocabulary = std::int64_t{1} << 40}).has_value());
  EXPECT_FALSE(validate(ModelConfig{.dropout = 1}).has_value());
  EXPECT_FALSE(validate(ModelConfig{.dropout = -0.1}).has_value());
  EXPECT_FALSE(validate(ModelConfig{.dropout = std::nan("")}).has_value());
}

}  // namespace
}  // namespace nodezero::model
