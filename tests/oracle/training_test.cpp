// SPDX-License-Identifier: BSD-3-Clause

// The stored optimizer steps, done again by the tree of actors.

#include <algorithm>
#include <cmath>
#include <span>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "actors/run/trainer.hpp"
#include "tests/oracle/folders.hpp"
#include "tests/oracle/oracle.hpp"

namespace nodezero::oracle {
namespace {

/// Keeps the loss of every step.
class LossKeeper : public actors::Observer {
 public:
  void on_step(const actors::StepSummary& step) override { losses.push_back(step.loss); }
  std::vector<double> losses;
};

double norm(std::span<const float> values, double scale = 1) {
  double sum = 0;
  for (const float value : values) {
    sum += scale * value * scale * value;
  }
  return std::sqrt(sum);
}

double largest_difference(std::span<const float> a, std::span<const float> b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(a[i]) - b[i]));
  }
  return largest;
}

/// The largest value seen so far and where it was.
struct Largest {
  double value = 0;
  std::string where = "nowhere";
  void see(double candidate, const std::string& place) {
    if (!(candidate <= value)) {  // so that NaN counts
      value = candidate;
      where = place;
    }
  }
};

class Training : public testing::TestWithParam<std::uint32_t> {
 protected:
  static const Oracle& oracle() {
    static const Oracle stored = read_oracle(folders().oracle);
    return stored;
  }

  actors::RunSettings settings() const {
    auto run = oracle().settings;
    run.spheres = GetParam();
    return run;
  }

  static actors::TrainingResult train(actors::RunSettings run, LossKeeper& keeper) {
    actors::Trainer trainer(std::move(run), keeper);
    auto result = trainer.run();
    EXPECT_EQ(result.end, actors::TrainingResult::End::finished) << result.failure;
    return result;
  }
};

// After one step from zero AdamW's first moment is the gradient times 1 - beta1, so that the
// gradient of the whole tree can be read off. Clipping would only scale it.
TEST_P(Training, HasTheGradientsOfTheFirstStep) {
  auto run = settings();
  run.training.steps = 1;
  run.training.optimizer.clip = 0;
  LossKeeper keeper;
  const auto result = train(run, keeper);
  ASSERT_NE(result.optimizer, nullptr);
  const double scale = 1 / (1 - run.training.optimizer.beta1);
  Largest relative;
  for (const auto& tensor : oracle().first_gradient->layout()->tensors()) {
    const auto expected = (*oracle().first_gradient)[tensor];
    const auto moment = result.optimizer->first_moment.at(tensor.name);
    double squares = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const double difference = scale * moment[i] - expected[i];
      squares += difference * difference;
    }
    EXPECT_GT(norm(moment), 0) << tensor.name;
    relative.see(std::sqrt(squares) / norm(expected), tensor.name);
  }
  fmt::print("{} spheres: gradients differ by at most {:.2e} of their norm ({})\n", GetParam(),
             relative.value, relative.where);
  EXPECT_LE(relative.value, 1e-5) << relative.where;
}

TEST_P(Training, HasTheLossesAndTheFinalWeights) {
  LossKeeper keeper;
  const auto result = train(settings(), keeper);
  ASSERT_EQ(keeper.losses.size(), oracle().losses.size());
  Largest loss;
  for (std::size_t step = 0; step < keeper.losses.size(); ++step) {
    loss.see(std::abs(keeper.losses[step] - oracle().losses[step]), fmt::format("step {}", step));
  }
  // A constant added to all keys changes no attention: the exact gradient of the key third
  // of attn.c_attn.bias is zero, and AdamW divides its rounding errors by themselves.
  Largest weights, keys;
  const auto width = static_cast<std::size_t>(oracle().settings.training.model.width);
  for (const auto& tensor : oracle().final_weights->layout()->tensors()) {
    const auto expected = (*oracle().final_weights)[tensor];
    const auto found = result.weights->at(tensor.name);
    if (tensor.name.ends_with("attn.c_attn.bias")) {
      keys.see(largest_difference(found.subspan(width, width), expected.subspan(width, width)),
               tensor.name);
      weights.see(largest_difference(found.first(width), expected.first(width)), tensor.name);
      weights.see(largest_difference(found.last(width), expected.last(width)), tensor.name);
    } else {
      weights.see(largest_difference(found, expected), tensor.name);
    }
  }
  fmt::print(
      "{} spheres: losses differ by at most {:.2e} ({}), final weights by {:.2e} ({}), key biases "
      "by {:.2e} ({})\n",
      GetParam(), loss.value, loss.where, weights.value, weights.where, keys.value, keys.where);
  EXPECT_LE(loss.value, 1e-5) << loss.where;
  EXPECT_LE(weights.value, 1e-4) << weights.where;
  EXPECT_LE(keys.value, 1e-3) << keys.where;
}

INSTANTIATE_TEST_SUITE_P(Spheres, Training, testing::Values(1U, 3U, 12U),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace nodezero::oracle
