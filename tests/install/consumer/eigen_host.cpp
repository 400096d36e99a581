// SPDX-License-Identifier: BSD-3-Clause

// A host with a model of its own in Eigen: y = x w + b, learned from y = 3 u - 2 v + 1.

#include <cmath>
#include <nodezero/eigen.hpp>
#include <nodezero/trainer.hpp>

namespace {

namespace nz = nodezero::eigen;

struct Plane {
  using Batch = nz::Examples;
  using Input = nz::Matrix;
  using Output = nz::Matrix;
  struct Workspace {
    nz::Matrix error;
  };

  std::vector<nodezero::TensorSpec> tensors() const { return {{"w", {2, 1}}, {"b", {1}}}; }
  void initialize(std::uint64_t, nodezero::Tensors) const {}
  nodezero::Loss loss_and_gradient(nodezero::ConstTensors parameters, const Batch& batch,
                                   nodezero::Tensors gradient, Workspace& workspace) const {
    workspace.error = predict(parameters, batch.inputs) - batch.targets;
    nz::matrix(gradient[0], 2, 1) = 2 * batch.inputs.transpose() * workspace.error;
    nz::row(gradient[1]) = 2 * workspace.error.colwise().sum();
    return {static_cast<double>(workspace.error.squaredNorm()), workspace.error.size()};
  }
  Output predict(nodezero::ConstTensors parameters, const Input& x) const {
    return (x * nz::matrix(parameters[0], 2, 1)).rowwise() + nz::row(parameters[1]);
  }
};

}  // namespace

int main() {
  nodezero::TrainerOptions options;
  options.optimizer.learning_rate = 0.1;
  auto trainer = nodezero::Trainer::create(Plane{}, options);
  if (!trainer) {
    return 1;
  }
  for (int time = 1; time <= 200; ++time) {
    const nz::Matrix x = nz::Matrix::Random(16, 2);
    const nz::Matrix y = (3 * x.col(0) - 2 * x.col(1)).array() + 1;
    if (!trainer->submit(nz::Examples{x, y}) || !trainer->advance_to(time)) {
      return 2;
    }
  }
  const auto answer = nz::predict(*trainer, nz::Matrix::Ones(1, 2));
  return answer && answer->version == 200 && std::fabs(answer->output->sum() - 2) < 0.1f ? 0 : 3;
}
