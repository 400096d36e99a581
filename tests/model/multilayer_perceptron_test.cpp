// SPDX-License-Identifier: BSD-3-Clause
#include "nodezero/multilayer_perceptron.hpp"

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

namespace nodezero {
namespace {

/// Tensors one after the other.
struct Buffer {
  explicit Buffer(const MultilayerPerceptron& model) {
    std::size_t offset = 0;
    for (const auto& tensor : model.tensors()) {
      const auto size = static_cast<std::size_t>(std::accumulate(
          tensor.shape.begin(), tensor.shape.end(), std::int64_t{1}, std::multiplies<>()));
      places.push_back({offset, size});
      offset += size;
    }
    values.resize(offset);
  }
  Tensors tensors() { return {values.data(), places}; }
  ConstTensors view() const { return {values.data(), places}; }

  std::vector<TensorPlace> places;
  std::vector<float> values;
};

Examples some_examples() {
  return {{0.3f, -0.8f, 1.1f, 0.4f, -0.2f, 0.9f}, {0.5f, -1.0f, 0.25f, 0.75f}};
}

TEST(MultilayerPerceptron, GradientIsThatOfItsLoss) {
  const MultilayerPerceptron model({3, 7, 5, 2});
  Buffer weights(model), gradient(model), ignored(model);
  model.initialize(3, weights.tensors());
  for (std::size_t i = 0; i < weights.values.size(); ++i) {
    weights.values[i] += 0.01f * static_cast<float>(i % 7);  // biases too
  }
  MultilayerPerceptron::Workspace workspace;
  const Examples batch = some_examples();
  const Loss loss = model.loss_and_gradient(weights.view(), batch, gradient.tensors(), workspace);
  EXPECT_EQ(loss.count, 4);
  for (std::size_t i = 0; i < weights.values.size(); ++i) {
    constexpr float step = 1e-2f;
    const float before = weights.values[i];
    weights.values[i] = before + step;
    const double above =
        model.loss_and_gradient(weights.view(), batch, ignored.tensors(), workspace).sum;
    weights.values[i] = before - step;
    const double below =
        model.loss_and_gradient(weights.view(), batch, ignored.tensors(), workspace).sum;
    weights.values[i] = before;
    EXPECT_NEAR(gradient.values[i], (above - below) / (2 * step), 2e-3) << i;
  }
}

TEST(MultilayerPerceptron, LossIsTheSquaredErrorOfItsPredictions) {
  const MultilayerPerceptron model({3, 4, 2});
  Buffer weights(model), gradient(model);
  model.initialize(5, weights.tensors());
  MultilayerPerceptron::Workspace workspace;
  const Examples batch = some_examples();
  const auto answer = model.predict(weights.view(), batch.inputs);
  ASSERT_EQ(answer.size(), batch.targets.size());
  double expected = 0;
  for (std::size_t i = 0; i < answer.size(); ++i) {
    expected += std::pow(static_cast<double>(answer[i]) - static_cast<double>(batch.targets[i]), 2);
  }
  EXPECT_NEAR(model.loss_and_gradient(weights.view(), batch, gradient.tensors(), workspace).sum,
              expected, 1e-6);
}

TEST(MultilayerPerceptron, HiddenUnitsAreHyperbolicTangents) {
  const MultilayerPerceptron model({1, 1, 1});
  Buffer weights(model);
  weights.tensors()[0][0] = 1;
  weights.tensors()[2][0] = 1;
  for (const float x : {-30.0f, -2.0f, -0.5f, -1e-3f, 0.0f, 1e-3f, 0.7f, 3.0f, 50.0f}) {
    EXPECT_NEAR(model.predict(weights.view(), {x}).at(0), std::tanh(x), 4e-7) << x;
  }
}

}  // namespace
}  // namespace nodezero
