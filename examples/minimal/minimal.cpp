// SPDX-License-Identifier: BSD-3-Clause

// A loop of somebody's own, in which a model learns the sine. No thread is started.

#include <cmath>
#include <cstdio>
#include <nodezero/eigen.hpp>

namespace nz = nodezero::eigen;

int main() {
  nodezero::TrainerOptions options;
  options.optimizer.learning_rate = 0.01;
  auto trainer = nodezero::Trainer::create(nz::MultilayerPerceptron({1, 32, 1}), options);
  if (!trainer)
    return 1;  // trainer.error().message says why
  for (int time = 1; time <= 2000; ++time) {
    const nz::Matrix x = 3.14f * nz::Matrix::Random(32, 1);  // 32 numbers in (-pi, pi)
    if (!trainer->submit(nz::Examples{x, x.array().sin()}) || !trainer->advance_to(time))
      return 1;
  }
  const float learned = nz::predict(*trainer, nz::Matrix::Ones(1, 1)).value().output->value();
  std::printf("sin(1) = %.3f, learned: %.3f\n", std::sin(1.0), static_cast<double>(learned));
  return std::fabs(learned - std::sin(1.0f)) < 0.05f ? 0 : 1;
}
