// SPDX-License-Identifier: BSD-3-Clause

// A loop of somebody's own, in which a model learns the sine. No thread is started.

#include <cmath>
#include <cstdio>
#include <nodezero/multilayer_perceptron.hpp>
#include <nodezero/trainer.hpp>

int main() {
  nodezero::TrainerOptions options;
  options.optimizer.learning_rate = 0.01;
  auto trainer = nodezero::Trainer::create(nodezero::MultilayerPerceptron({1, 32, 1}), options);
  if (!trainer)
    return 1;  // trainer.error().message says why
  for (int time = 1; time <= 2000; ++time) {
    nodezero::Examples batch;
    for (int i = 0; i < 32; ++i) {
      const float x = std::fmod(0.37f * static_cast<float>(time * 32 + i), 6.28f);
      batch.inputs.push_back(x);
      batch.targets.push_back(std::sin(x));
    }
    if (!trainer->submit(batch) || !trainer->advance_to(time))
      return 1;
  }
  const auto answer = trainer->predict<std::vector<float>>(std::vector<float>{1.0f}).value();
  std::printf("sin(1) = %.3f, learned: %.3f\n", std::sin(1.0),
              static_cast<double>(answer.output[0]));
  return std::fabs(answer.output[0] - std::sin(1.0f)) < 0.05f ? 0 : 1;
}
