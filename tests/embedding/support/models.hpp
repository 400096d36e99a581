// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "nodezero/multilayer_perceptron.hpp"
#include "nodezero/trainer.hpp"

namespace nodezero::testing {

/// Examples of a smooth function of two numbers; a pure function of `index`.
Examples examples_of(std::uint64_t index);

/// Two inputs, a hidden layer, one output.
MultilayerPerceptron small_model();

/// Stepped, 3 micro-batches a step, 4 steps an epoch.
TrainerOptions small_options();

/// Threads of this process beside those that it began with.
std::size_t count_threads();

/// Waits until there are none: one that has ended is counted for a moment longer.
void wait_for_end_of_threads();

/// Waits until `count` threads have that name, which they take when they begin.
void wait_for_threads(const std::string& name, std::size_t count);

/// Submits batches [first, last) of examples_of and steps until nothing is left to do.
void train(Trainer& trainer, std::uint64_t first, std::uint64_t last);

/// The state after 12 steps with batches 0 to 35, which are submitted unless the options have them.
SavedState state_of(TrainerOptions options);

/// A model whose functions are whatever a test makes them.
struct Scripted {
  using Batch = std::vector<float>;
  using Input = float;
  using Output = float;
  struct Workspace {};

  std::function<double(float weight, const Batch& batch)> loss = [](float, const Batch&) {
    return 1.0;
  };
  std::vector<TensorSpec> specs = {{"w", {1}}};

  std::vector<TensorSpec> tensors() const { return specs; }
  void initialize(std::uint64_t, Tensors w) const { w[0][0] = 0.5f; }
  Loss loss_and_gradient(ConstTensors w, const Batch& batch, Tensors gradient, Workspace&) const {
    const double sum = loss(w[0][0], batch);
    gradient[0][0] = static_cast<float>(sum);
    return {sum, 1};
  }
  float predict(ConstTensors w, const float& x) const { return w[0][0] * x; }
};

}  // namespace nodezero::testing
