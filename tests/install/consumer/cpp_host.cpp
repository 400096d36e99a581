// SPDX-License-Identifier: BSD-3-Clause

// A host with a model of its own: y = w x, learned from y = 3 x.

#include <cmath>
#include <cstring>
#include <nodezero/multilayer_perceptron.hpp>
#include <nodezero/trainer.hpp>
#include <nodezero/version.h>
#include <vector>

namespace {

struct Line {
  using Batch = std::vector<float>;
  using Input = float;
  using Output = float;
  struct Workspace {};

  std::vector<nodezero::TensorSpec> tensors() const { return {{"w", {1}}}; }
  void initialize(std::uint64_t, nodezero::Tensors w) const { w[0][0] = 0; }
  nodezero::Loss loss_and_gradient(nodezero::ConstTensors w, const Batch& xs,
                                   nodezero::Tensors gradient, Workspace&) const {
    nodezero::Loss loss{0, static_cast<std::int64_t>(xs.size())};
    gradient[0][0] = 0;
    for (const float x : xs) {
      const float error = w[0][0] * x - 3 * x;
      loss.sum += static_cast<double>(error * error);
      gradient[0][0] += 2 * error * x;
    }
    return loss;
  }
  Output predict(nodezero::ConstTensors w, const Input& x) const { return w[0][0] * x; }
};

}  // namespace

int main() {
  if (std::strcmp(nodezero_version(), NODEZERO_VERSION_STRING) != 0) {
    return 1;
  }
  nodezero::TrainerOptions options;
  options.optimizer.learning_rate = 0.1;
  options.optimizer.clip = 0;
  auto trainer = nodezero::Trainer::create(Line{}, options);
  if (!trainer) {
    return 2;
  }
  for (int i = 0; i < 100; ++i) {
    if (!trainer->submit(std::vector<float>{1, -1, 0.5f})) {
      return 3;
    }
    while (trainer->step(100).value().progress != nodezero::Progress::idle) {
    }
  }
  const auto answer = trainer->predict<float>(2.0f);
  return answer && answer->version == 100 && std::fabs(answer->output - 6) < 0.1f ? 0 : 4;
}
