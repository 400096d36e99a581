// SPDX-License-Identifier: BSD-3-Clause
#include "nodezero/eigen.hpp"

#include <chrono>
#include <cmath>
#include <memory>
#include <numeric>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "nodezero/language_model.hpp"
#include "nodezero/trainer.hpp"
#include "support/executors.hpp"
#include "support/models.hpp"

namespace nodezero::testing {
namespace {

using eigen::Matrix;

/// Where a model's functions found what they were given.
struct Seen {
  const float* inputs = nullptr;
  const float* targets = nullptr;
  const float* input = nullptr;
  const float* output = nullptr;
};

/// A host's own model: y = x w + b, from two numbers to one.
struct Linear {
  using Batch = eigen::Examples;
  using Input = Matrix;
  using Output = Matrix;
  struct Workspace {
    Matrix error;
  };

  std::shared_ptr<Seen> seen;  // may be null

  std::vector<TensorSpec> tensors() const { return {{"weight", {2, 1}}, {"bias", {1}}}; }
  void initialize(std::uint64_t, Tensors parameters) const {
    eigen::matrix(parameters[0], 2, 1).setOnes();
  }
  Loss loss_and_gradient(ConstTensors parameters, const Batch& batch, Tensors gradient,
                         Workspace& workspace) const {
    if (seen) {
      seen->inputs = batch.inputs.data();
      seen->targets = batch.targets.data();
    }
    Matrix& error = workspace.error;
    error.noalias() = batch.inputs * eigen::matrix(parameters[0], 2, 1);
    error.rowwise() += eigen::row(parameters[1]);
    error -= batch.targets;
    eigen::matrix(gradient[0], 2, 1).noalias() = 2 * batch.inputs.transpose() * error;
    eigen::row(gradient[1]) = 2 * error.colwise().sum();
    return {static_cast<double>(error.squaredNorm()), error.size()};
  }
  Matrix predict(ConstTensors parameters, const Matrix& input) const {
    Matrix output = input * eigen::matrix(parameters[0], 2, 1);
    output.rowwise() += eigen::row(parameters[1]);
    if (seen) {
      seen->input = input.data();
      seen->output = output.data();
    }
    return output;
  }
};

/// The small model's examples as matrices.
eigen::Examples matrices_of(std::uint64_t index) {
  const Examples examples = examples_of(index);
  return {eigen::matrix(examples.inputs, 16, 2), eigen::matrix(examples.targets, 16, 1)};
}

TEST(Eigen, MapsLieWhereTheNumbersDo) {
  std::vector<float> numbers(32);
  std::iota(numbers.begin(), numbers.end(), 0.0f);
  auto map = eigen::matrix(numbers, 4, 8);
  EXPECT_EQ(map.data(), numbers.data());
  EXPECT_EQ(map(1, 0), 8);  // row by row
  map(0, 2) = 30;
  EXPECT_EQ(numbers[2], 30);
  eigen::row(numbers) *= 2;
  EXPECT_EQ(numbers[2], 60);
  EXPECT_EQ(numbers[31], 62);

  const std::vector<TensorPlace> places{{0, 2}, {16, 4}};
  const Tensors tensors(numbers.data(), places);
  EXPECT_EQ(eigen::matrix(tensors[1], 2, 2).data(), numbers.data() + 16);
  const ConstTensors constant(numbers.data(), places);
  static_assert(
      std::is_same_v<decltype(eigen::matrix(constant[1], 2, 2)), Eigen::Map<const Matrix>>);
  EXPECT_EQ(eigen::row(constant[0]).sum(), 2);

  TokenWindows windows{2, 3, {1, 2, 3, 4, 5, 6}, {2, 3, -1, 5, 6, -1}};
  EXPECT_EQ(eigen::matrix(windows.inputs, windows.sequences, windows.context)(1, 2), 6);
  EXPECT_EQ(eigen::matrix(std::span<float>(), 0, 3).size(), 0);
  static_assert(!eigen::Numbers<std::vector<float>>, "a map of a temporary would dangle");
}

TEST(Eigen, AMapOfAnotherShapeIsRefused) {
  std::vector<float> six(6);
  for (const auto& [rows, columns] : std::vector<std::pair<Eigen::Index, Eigen::Index>>{
           {2, 2}, {4, 2}, {6, 0}, {0, 6}, {-2, -3}, {Eigen::Index{1} << 62, 4}}) {
    EXPECT_THROW(eigen::matrix(six, rows, columns), std::invalid_argument) << rows << columns;
  }
  try {
    eigen::matrix(six, 4, 2);
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "6 values are not a matrix of 4 x 2");
  }
}

TEST(Eigen, BatchesAndPredictionsAreNotCopied) {
  const Linear model{std::make_shared<Seen>()};
  auto trainer = Trainer::create(model, TrainerOptions{});
  ASSERT_TRUE(trainer) << trainer.error().message;
  eigen::Examples batch{Matrix::Ones(4, 2), Matrix::Zero(4, 1)};
  const float* const inputs = batch.inputs.data();
  const float* const targets = batch.targets.data();
  ASSERT_TRUE(trainer->submit(std::move(batch)));
  ASSERT_EQ(trainer->advance_to(1)->steps, 1u);
  EXPECT_EQ(model.seen->inputs, inputs);
  EXPECT_EQ(model.seen->targets, targets);

  Matrix question = Matrix::Ones(5, 2);
  const float* const asked = question.data();
  const auto answer = eigen::predict(*trainer, std::move(question));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(model.seen->input, asked);
  EXPECT_EQ(model.seen->output, answer->output->data());
  EXPECT_EQ(answer->output->rows(), 5);
}

/// The state after the 36 batches of matrices_of, 12 steps.
template <class Model>
SavedState trained(Model model, TrainerOptions options) {
  const bool is_stepped = options.running == Running::stepped;
  auto trainer = Trainer::create(std::move(model), std::move(options));
  EXPECT_TRUE(trainer) << trainer.error().message;
  for (std::uint64_t i = 0; i < 36; ++i) {
    EXPECT_TRUE(trainer->submit(matrices_of(i)));
  }
  const auto status =
      is_stepped ? trainer->advance_to(1) : trainer->wait_for_steps(12, std::chrono::minutes(5));
  EXPECT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->steps, 12u);
  return *trainer->save();
}

TEST(Eigen, AHostsOwnModelHasTheSameBitsInAllWaysOfRunning) {
  auto options = small_options();
  const SavedState expected = trained(Linear{}, options);
  Pool pool(2);
  options.execute = pool.executor();
  options.threads = 2;
  for (const Running running : {Running::stepped, Running::own_threads, Running::host_executor}) {
    options.running = running;
    for (const std::uint32_t spheres : {1, 7}) {
      options.spheres = spheres;
      EXPECT_TRUE(trained(Linear{}, options) == expected)
          << spheres << " spheres, way " << static_cast<int>(running);
    }
  }
}

TEST(Eigen, APerceptronOfMatricesIsThatOfVectors) {
  const eigen::MultilayerPerceptron model({2, 16, 1});
  EXPECT_TRUE(trained(model, small_options()) == state_of(small_options()));

  auto ours = Trainer::create(model, small_options());
  auto theirs = Trainer::create(small_model(), small_options());
  const std::vector<float> input{0.5f, -0.5f, 0.1f, 0.9f};
  const auto matrix = ours->predict<Matrix>(Matrix(eigen::matrix(input, 2, 2)));
  ASSERT_TRUE(matrix) << matrix.error().message;
  EXPECT_EQ(matrix->output.rows(), 2);
  EXPECT_EQ(matrix->output,
            eigen::matrix(theirs->predict<std::vector<float>>(input)->output, 2, 1));
}

TEST(Eigen, APerceptronRefusesMatricesOfOtherShapes) {
  auto trainer = Trainer::create(eigen::MultilayerPerceptron({2, 16, 1}), small_options());
  const auto refused = [&](const Matrix& inputs, const Matrix& targets) {
    const auto result = trainer->submit(eigen::Examples{inputs, targets});
    return result ? Error{} : result.error();
  };
  const Matrix x = Matrix::Ones(6, 2), y = Matrix::Ones(6, 1);
  EXPECT_TRUE(trainer->submit(eigen::Examples{x, y}));
  // As many numbers, but not these rows.
  EXPECT_EQ(refused(Matrix::Ones(4, 3), y).code, ErrorCode::wrong_shape);
  EXPECT_EQ(refused(Matrix::Ones(4, 3), y).message,
            "examples of 4 x 3 and 6 x 1: this model takes rows of 2 and 1");
  EXPECT_EQ(refused(x, Matrix::Ones(3, 2)).code, ErrorCode::wrong_shape);
  EXPECT_EQ(refused(x, Matrix::Ones(5, 1)).code, ErrorCode::wrong_shape);
  EXPECT_EQ(refused(Matrix(0, 2), Matrix(0, 1)).code, ErrorCode::wrong_shape);
  EXPECT_EQ(refused(x, Matrix::Constant(6, 1, NAN)).code, ErrorCode::not_finite);
  EXPECT_EQ(eigen::predict(*trainer, Matrix::Ones(2, 3)).error().message,
            "an input of 2 x 3: this model takes rows of 2");
  EXPECT_EQ(eigen::predict(*trainer, Matrix::Constant(1, 2, INFINITY)).error().code,
            ErrorCode::not_finite);
  // The plain model's batches are of another type.
  EXPECT_EQ(trainer->submit(Examples{{1, 2}, {3}}).error().code, ErrorCode::wrong_shape);
}

}  // namespace
}  // namespace nodezero::testing
