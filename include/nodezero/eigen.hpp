// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// For hosts that compute with Eigen: tensors as maps, batches and predictions as matrices, all
// without a copy. Needs Eigen 3.4; nothing else of Node Zero does.
//
//   namespace nz = nodezero::eigen;
//   auto trainer = nodezero::Trainer::create(nz::MultilayerPerceptron({3, 32, 1}), options);
//   const nz::Matrix x = nz::Matrix::Random(64, 3);                // 64 examples, a row each
//   trainer->submit(nz::Examples{x, x.rowwise().squaredNorm()});
//   trainer->advance_to(time);
//   auto answer = nz::predict(*trainer, x);                        // *answer->output is 64 x 1
//
// A model of your own maps its tensors where it computes:
//
//   const auto weight = nz::matrix(parameters[0], 3, 1);           // Map<const Matrix>, 3 x 1
//   nz::matrix(gradient[0], 3, 1) = x.transpose() * error;
//   nz::row(gradient[1]) = error.colwise().sum();

#include <cstddef>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <Eigen/Core>

#include "nodezero/error.hpp"
#include "nodezero/multilayer_perceptron.hpp"
#include "nodezero/tensors.hpp"
#include "nodezero/trainable.hpp"
#include "nodezero/trainer.hpp"

namespace nodezero::eigen {

/// Row by row, as all tensors and batches of Node Zero are.
template <class Value>
using MatrixOf = Eigen::Matrix<Value, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class Value>
using RowOf = Eigen::Matrix<Value, 1, Eigen::Dynamic, Eigen::RowMajor>;

using Matrix = MatrixOf<float>;  ///< [examples, values]: a row an example
using Row = RowOf<float>;        ///< such as a bias

/// Numbers that lie one after the other and outlive an expression: a tensor, a std::span, a
/// std::vector that has a name.
template <class Range>
concept Numbers = std::ranges::contiguous_range<Range> && std::ranges::borrowed_range<Range> &&
    std::is_arithmetic_v<std::ranges::range_value_t<Range>>;

namespace detail {

/// A map of the type that `Plain` makes of the range's values, const if they are.
template <Numbers Range, template <class> class Plain>
using MapOf = Eigen::Map<std::conditional_t<
    std::is_const_v<std::remove_reference_t<std::ranges::range_reference_t<Range>>>,
    const Plain<std::ranges::range_value_t<Range>>, Plain<std::ranges::range_value_t<Range>>>>;

inline std::string shape_of(const Matrix& matrix) {
  return std::to_string(matrix.rows()) + " x " + std::to_string(matrix.cols());
}

}  // namespace detail

/// The values as a matrix of `rows` x `columns`, to be read, and written if they may be. A map: it
/// copies nothing and must not outlive the values.
/// @throws std::invalid_argument if there are not as many values as the matrix has
template <Numbers Range>
detail::MapOf<Range, MatrixOf> matrix(Range&& values, Eigen::Index rows, Eigen::Index columns) {
  const auto size = static_cast<Eigen::Index>(std::ranges::size(values));
  const bool fits = rows >= 0 && columns >= 0 &&
                    (columns == 0 ? size == 0 : size % columns == 0 && size / columns == rows);
  if (!fits) {
    throw std::invalid_argument(std::to_string(size) + " values are not a matrix of " +
                                std::to_string(rows) + " x " + std::to_string(columns));
  }
  return {std::ranges::data(values), rows, columns};
}

/// The values as a row of as many columns. A map, as above.
template <Numbers Range>
detail::MapOf<Range, RowOf> row(Range&& values) {
  return {std::ranges::data(values), static_cast<Eigen::Index>(std::ranges::size(values))};
}

/// Examples of a function from vectors to vectors. Submitted with std::move, or as a temporary,
/// the matrices get to the model as they are.
struct Examples {
  Matrix inputs;   ///< [examples, model's inputs]
  Matrix targets;  ///< [examples, model's outputs]
};

/// nodezero::MultilayerPerceptron for matrices: the same tensors, states and bits. A Trainable.
class MultilayerPerceptron : public nodezero::MultilayerPerceptron {
 public:
  using Batch = Examples;
  using Input = Matrix;   ///< [examples, inputs]
  using Output = Matrix;  ///< [examples, outputs]

  using nodezero::MultilayerPerceptron::MultilayerPerceptron;

  Loss loss_and_gradient(ConstTensors parameters, const Examples& batch, Tensors gradient,
                         Workspace& workspace) const {
    return Base::loss_and_gradient(parameters, values(batch.inputs), values(batch.targets),
                                   gradient, workspace);
  }
  Matrix predict(ConstTensors parameters, const Matrix& input) const {
    Matrix output(input.rows(), outputs());
    Base::predict(parameters, values(input),
                  {output.data(), static_cast<std::size_t>(output.size())});
    return output;
  }
  /// Shapes that do not fit, and numbers that are not finite.
  std::optional<Error> check(const Examples& batch) const {
    if (batch.inputs.cols() != inputs() || batch.targets.cols() != outputs()) {
      return Error{ErrorCode::wrong_shape,
                   "examples of " + detail::shape_of(batch.inputs) + " and " +
                       detail::shape_of(batch.targets) + ": this model takes rows of " +
                       std::to_string(inputs()) + " and " + std::to_string(outputs())};
    }
    return Base::check(values(batch.inputs), values(batch.targets));
  }
  std::optional<Error> check(const Matrix& input) const {
    if (input.cols() != inputs()) {
      return Error{ErrorCode::wrong_shape, "an input of " + detail::shape_of(input) +
                                               ": this model takes rows of " +
                                               std::to_string(inputs())};
    }
    return Base::check_input(values(input));
  }
  std::vector<std::byte> encode(const Examples& batch) const {
    const auto inputs = values(batch.inputs), targets = values(batch.targets);
    return Base::encode({{inputs.begin(), inputs.end()}, {targets.begin(), targets.end()}});
  }
  Examples decode(std::span<const std::byte> bytes) const {
    const auto plain = Base::decode(bytes);
    const auto rows = static_cast<Eigen::Index>(plain.inputs.size()) / inputs();
    return {matrix(plain.inputs, rows, inputs()), matrix(plain.targets, rows, outputs())};
  }

 private:
  using Base = nodezero::MultilayerPerceptron;

  static std::span<const float> values(const Matrix& matrix) {
    return {matrix.data(), static_cast<std::size_t>(matrix.size())};
  }
};

static_assert(Portable<MultilayerPerceptron>);

/// Trainer::predict for models whose inputs and outputs are of type Matrix: takes any expression
/// that makes one, and the answer is the matrix that the model returned, not a copy.
inline Result<Prediction<std::shared_ptr<const Matrix>>> predict(Trainer& trainer, Matrix input) {
  auto answer = trainer.predict_value(AnyValue::of(std::move(input)));
  if (!answer) {
    return tl::unexpected<Error>(std::move(answer.error()));
  }
  if (!answer->output.holds(typeid(Matrix))) {
    return fail(ErrorCode::wrong_shape, "the model's predictions are not of type Matrix");
  }
  return Prediction<std::shared_ptr<const Matrix>>{answer->version, answer->output.as<Matrix>()};
}

}  // namespace nodezero::eigen
