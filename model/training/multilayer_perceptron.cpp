// SPDX-License-Identifier: BSD-3-Clause
#include "nodezero/multilayer_perceptron.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

#include "model/kernels/elementwise.hpp"
#include "model/kernels/floating_point_scope.hpp"
#include "model/kernels/matrix.hpp"
#include "model/kernels/matrix_product.hpp"
#include "model/kernels/random.hpp"
#include "model/tensors/shape.hpp"
#include "model/training/batch_bytes.hpp"

namespace nodezero {
namespace {

using model::ConstMatrix;
using model::ConstVector;
using model::Index;
using model::Matrix;

/// A product with the scratch that it needs.
template <class Left, class Right>
void multiply(Left a, Right b, Matrix c, std::vector<float>& scratch) {
  const auto size = static_cast<std::size_t>(model::product_scratch(c.rows(), c.cols(), a.cols()));
  scratch.resize(std::max(scratch.size(), size));
  model::multiply(a, b, c, std::span(scratch));
}

/// y = x w + b: x [N, inputs], w [inputs, outputs], b [outputs], y [N, outputs].
void linear(ConstMatrix x, ConstMatrix w, ConstVector b, Matrix y, std::vector<float>& scratch) {
  multiply(x, w, y, scratch);
  model::add_bias(b, y);
}

bool is_finite(std::span<const float> values) {
  return std::ranges::all_of(values, [](float value) { return std::isfinite(value); });
}

Error wrong_shape(std::string_view what, std::size_t values, Index row) {
  return {ErrorCode::wrong_shape, std::string(what) + " of " + std::to_string(values) +
                                      " numbers is not one or more rows of " + std::to_string(row)};
}

}  // namespace

std::vector<TensorSpec> MultilayerPerceptron::tensors() const {
  std::vector<TensorSpec> tensors;
  for (std::size_t layer = 0; layer + 1 < sizes_.size(); ++layer) {
    const std::string name = "layer." + std::to_string(layer);
    tensors.push_back({name + ".weight", {sizes_[layer], sizes_[layer + 1]}});
    tensors.push_back({name + ".bias", {sizes_[layer + 1]}});
  }
  return tensors;
}

void MultilayerPerceptron::initialize(std::uint64_t seed, Tensors parameters) const {
  const model::FloatingPointScope scope;
  for (std::size_t layer = 0; layer + 1 < sizes_.size(); ++layer) {
    const auto weight = parameters[2 * layer];
    const double bound = std::sqrt(6.0 / static_cast<double>(sizes_[layer] + sizes_[layer + 1]));
    const model::KeyedRandom random(seed, model::RandomPurpose::initial_weights, layer);
    for (std::size_t i = 0; i < weight.size(); ++i) {
      weight[i] = static_cast<float>(bound * (2 * random.uniform(i) - 1));
    }
    std::ranges::fill(parameters[2 * layer + 1], 0.0f);
  }
}

Loss MultilayerPerceptron::loss_and_gradient(ConstTensors parameters, std::span<const float> inputs,
                                             std::span<const float> targets, Tensors gradient,
                                             Workspace& workspace) const {
  const model::FloatingPointScope scope;
  const std::size_t layers = sizes_.size() - 1;
  const Index rows = static_cast<Index>(inputs.size()) / sizes_.front();
  auto& activations = workspace.activations;  // [l]: what layer l writes
  activations.resize(layers);
  const auto weight_of = [&](std::size_t layer) {
    return ConstMatrix(parameters[2 * layer], sizes_[layer], sizes_[layer + 1]);
  };
  const auto input_of = [&](std::size_t layer) {
    return layer == 0 ? ConstMatrix(inputs, rows, sizes_[layer])
                      : ConstMatrix(activations[layer - 1], rows, sizes_[layer]);
  };
  for (std::size_t layer = 0; layer < layers; ++layer) {
    auto& out = activations[layer];
    out.resize(static_cast<std::size_t>(rows * sizes_[layer + 1]));
    linear(input_of(layer), weight_of(layer), parameters[2 * layer + 1],
           Matrix(out, rows, sizes_[layer + 1]), workspace.products);
    if (layer + 1 < layers) {
      model::tangent(std::span(out));
    }
  }

  double sum = 0;
  auto& d_out = workspace.derivative;  // of what the layer at hand writes, before its tangent
  d_out.resize(targets.size());
  for (std::size_t i = 0; i < d_out.size(); ++i) {
    const float difference = activations.back()[i] - targets[i];
    sum += static_cast<double>(difference) * static_cast<double>(difference);
    d_out[i] = 2 * difference;
  }
  for (std::size_t layer = layers; layer-- > 0;) {
    const Index in = sizes_[layer], out = sizes_[layer + 1];
    const ConstMatrix d_y(d_out, rows, out);
    multiply(input_of(layer).transpose(), d_y, Matrix(gradient[2 * layer], in, out),
             workspace.products);
    model::column_sums(d_y, gradient[2 * layer + 1]);
    if (layer > 0) {
      auto& d_in = workspace.next_derivative;
      d_in.resize(static_cast<std::size_t>(rows * in));
      multiply(d_y, weight_of(layer).transpose(), Matrix(d_in, rows, in), workspace.products);
      for (std::size_t i = 0; i < d_in.size(); ++i) {
        const float y = activations[layer - 1][i];
        d_in[i] *= 1 - y * y;
      }
      std::swap(d_out, d_in);
    }
  }
  return {sum, static_cast<Index>(targets.size())};
}

std::vector<float> MultilayerPerceptron::predict(ConstTensors parameters,
                                                 const std::vector<float>& input) const {
  std::vector<float> output(input.size() / static_cast<std::size_t>(inputs()) *
                            static_cast<std::size_t>(outputs()));
  predict(parameters, input, output);
  return output;
}

void MultilayerPerceptron::predict(ConstTensors parameters, std::span<const float> input,
                                   std::span<float> output) const {
  const model::FloatingPointScope scope;
  const Index rows = static_cast<Index>(input.size()) / inputs();
  std::vector<float> hidden, next, products;
  std::span<const float> x = input;
  for (std::size_t layer = 0; layer + 1 < sizes_.size(); ++layer) {
    const bool is_last = layer + 2 == sizes_.size();
    next.resize(is_last ? 0 : static_cast<std::size_t>(rows * sizes_[layer + 1]));
    const std::span<float> y = is_last ? output : next;
    const Index in = sizes_[layer], out = sizes_[layer + 1];
    linear(ConstMatrix(x, rows, in), ConstMatrix(parameters[2 * layer], in, out),
           parameters[2 * layer + 1], Matrix(y, rows, out), products);
    if (!is_last) {
      model::tangent(y);
      std::swap(hidden, next);
      x = hidden;
    }
  }
}

std::optional<Error> MultilayerPerceptron::check(std::span<const float> inputs,
                                                 std::span<const float> targets) const {
  const model::FloatingPointScope scope;
  if (auto error = check_input(inputs)) {
    return error;
  }
  const auto examples = static_cast<Index>(inputs.size()) / sizes_.front();
  if (static_cast<Index>(targets.size()) != examples * outputs()) {
    return Error{ErrorCode::wrong_shape, std::to_string(examples) + " examples need " +
                                             std::to_string(examples * outputs()) +
                                             " target values, not " +
                                             std::to_string(targets.size())};
  }
  if (!is_finite(targets)) {
    return Error{ErrorCode::not_finite, "a target is not a finite number"};
  }
  return std::nullopt;
}

std::optional<Error> MultilayerPerceptron::check_input(std::span<const float> input) const {
  const model::FloatingPointScope scope;
  if (input.empty() || static_cast<Index>(input.size()) % inputs() != 0) {
    return wrong_shape("an input", input.size(), inputs());
  }
  const auto examples = static_cast<Index>(input.size()) / inputs();
  if (!model::count_values({examples, std::ranges::max(sizes_)})) {
    return Error{ErrorCode::wrong_shape, "the layers' outputs for " + std::to_string(examples) +
                                             " examples are too large for memory"};
  }
  if (!is_finite(input)) {
    return Error{ErrorCode::not_finite, "an input is not a finite number"};
  }
  return std::nullopt;
}

std::vector<std::byte> MultilayerPerceptron::encode(const Examples& batch) const {
  model::BatchWriter bytes;
  bytes.array(batch.inputs);
  bytes.array(batch.targets);
  return bytes.take();
}

Examples MultilayerPerceptron::decode(std::span<const std::byte> bytes) const {
  model::BatchReader batch(bytes);
  Examples examples;
  examples.inputs = batch.array<float>();
  examples.targets = batch.array<float>();
  batch.end();
  return examples;
}

}  // namespace nodezero
