// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "nodezero/error.hpp"
#include "nodezero/export.h"
#include "nodezero/tensors.hpp"
#include "nodezero/trainable.hpp"

namespace nodezero {

/// Examples of a function from vectors to vectors. For two inputs and one output,
/// `Examples{{0, 0, 0, 1, 1, 1}, {0, 1, 0}}` holds three.
struct Examples {
  std::vector<float> inputs;   ///< [examples, model's inputs], row by row
  std::vector<float> targets;  ///< [examples, model's outputs], row by row
};

/// A model for regression, from vectors to vectors: hidden layers with hyperbolic tangents and a
/// linear output layer. The loss is the mean squared error over all output values. A Trainable.
class NODEZERO_EXPORT MultilayerPerceptron {
 public:
  using Batch = Examples;
  using Input = std::vector<float>;   ///< [examples, inputs]
  using Output = std::vector<float>;  ///< [examples, outputs]
  /// Activations of one thread, grown to the largest batch seen.
  struct Workspace {
    std::vector<std::vector<float>> activations;
    std::vector<float> derivative, next_derivative;
    std::vector<float> products;
  };

  /// Sizes from inputs to outputs: {9, 32, 32, 2} has two hidden layers of 32. There must be at
  /// least two sizes, all positive; otherwise Trainer::create refuses the model.
  explicit MultilayerPerceptron(std::vector<std::int64_t> sizes) : sizes_(std::move(sizes)) {}

  std::int64_t inputs() const { return sizes_.front(); }
  std::int64_t outputs() const { return sizes_.back(); }

  /// layer.0.weight as [inputs, outputs], layer.0.bias as [outputs] and so on.
  std::vector<TensorSpec> tensors() const;
  /// Weights uniform within sqrt(6 / (inputs + outputs)) (Glorot, Bengio: "Understanding the
  /// difficulty of training deep feedforward neural networks", 2010), biases 0.
  void initialize(std::uint64_t seed, Tensors parameters) const;
  Loss loss_and_gradient(ConstTensors parameters, const Examples& batch, Tensors gradient,
                         Workspace& workspace) const {
    return loss_and_gradient(parameters, batch.inputs, batch.targets, gradient, workspace);
  }
  std::vector<float> predict(ConstTensors parameters, const std::vector<float>& input) const;
  /// wrong_shape for sizes that do not fit, not_finite for numbers that are not finite.
  std::optional<Error> check(const Examples& batch) const {
    return check(batch.inputs, batch.targets);
  }
  std::optional<Error> check(const std::vector<float>& input) const { return check_input(input); }
  std::string identity() const { return "MultilayerPerceptron"; }
  std::vector<std::byte> encode(const Examples& batch) const;
  Examples decode(std::span<const std::byte> bytes) const;

  /// The same for numbers that lie anywhere: `inputs` and `input` are [examples, inputs], `targets`
  /// and `output` [examples, outputs], row by row.
  Loss loss_and_gradient(ConstTensors parameters, std::span<const float> inputs,
                         std::span<const float> targets, Tensors gradient,
                         Workspace& workspace) const;
  void predict(ConstTensors parameters, std::span<const float> input,
               std::span<float> output) const;
  std::optional<Error> check(std::span<const float> inputs, std::span<const float> targets) const;
  std::optional<Error> check_input(std::span<const float> input) const;

 private:
  std::vector<std::int64_t> sizes_;
};

static_assert(Portable<MultilayerPerceptron>);

}  // namespace nodezero
