// SPDX-License-Identifier: BSD-3-Clause
#include "surrogate.hpp"

#include <stdexcept>
#include <utility>

namespace {

// To numbers of about 1, which a model learns best from.
constexpr float difference_scale = 5, change_scale = 40;
constexpr int neighbours = 9;

/// Appends what the model sees of a cell: both concentrations, and how far those of the cells
/// around it are from them.
void append_patch(const Fields& f, int x, int y, std::vector<float>& out) {
  const std::size_t centre = f.index(x, y);
  out.push_back(2 * f.u[centre] - 1);
  out.push_back(4 * f.v[centre] - 1);
  for (int k = 0; k < neighbours; ++k) {
    if (k != neighbours / 2) {
      const std::size_t i = f.index(x + k % 3 - 1, y + k / 3 - 1);
      out.push_back(difference_scale * (f.u[i] - f.u[centre]));
      out.push_back(difference_scale * (f.v[i] - f.v[centre]));
    }
  }
}

template <class T>
T value_of(nodezero::Result<T> result) {
  if (!result) {
    throw std::runtime_error(result.error().message);
  }
  if constexpr (!std::is_void_v<T>) {
    return std::move(*result);
  }
}

nodezero::Trainer make_trainer(std::uint64_t steps, std::vector<double>& losses) {
  nodezero::TrainerOptions options;
  options.micro_batches = 3;
  options.steps_in_epoch = 20;
  options.total_steps = steps;
  options.optimizer.learning_rate = 4e-3;
  options.optimizer.min_learning_rate = 2e-5;
  options.optimizer.warmup = 50;
  options.on_step = [&losses](const nodezero::StepReport& step) { losses.push_back(step.loss); };
  return value_of(nodezero::Trainer::create(
      nodezero::MultilayerPerceptron({2 * neighbours, 40, 40, 2}), std::move(options)));
}

}  // namespace

Surrogate::Surrogate(std::uint64_t steps) : trainer_(make_trainer(steps, losses_)) {}

void Surrogate::learn(const Fields& before, const Fields& after, int count) {
  const auto cell = [&] {
    return static_cast<int>(random_() % static_cast<unsigned>(before.size));
  };
  nodezero::Examples examples;
  for (int i = 0; i < count; ++i) {
    int x = cell(), y = cell();
    for (int tries = 0; i % 2 == 0 && tries < 50 && before.v[before.index(x, y)] < 0.02f; ++tries) {
      x = cell(), y = cell();
    }
    append_patch(before, x, y, examples.inputs);
    const std::size_t k = before.index(x, y);
    examples.targets.push_back(change_scale * (after.u[k] - before.u[k]));
    examples.targets.push_back(change_scale * (after.v[k] - before.v[k]));
  }
  value_of(trainer_.submit(std::move(examples)));
}

nodezero::Status Surrogate::advance_to(double time) {
  return value_of(trainer_.advance_to(time));
}

void Surrogate::predict(const Fields& before, Fields& after, const Region& region) {
  std::vector<float> patches;
  for (int y = region.top; y < region.top + region.height; ++y) {
    for (int x = region.left; x < region.left + region.width; ++x) {
      append_patch(before, x, y, patches);
    }
  }
  const auto answer = value_of(trainer_.predict<std::vector<float>>(std::move(patches)));
  std::size_t next = 0;
  for (int y = region.top; y < region.top + region.height; ++y) {
    for (int x = region.left; x < region.left + region.width; ++x) {
      const std::size_t i = before.index(x, y);
      after.u[i] = before.u[i] + answer.output[next++] / change_scale;
      after.v[i] = before.v[i] + answer.output[next++] / change_scale;
    }
  }
}
