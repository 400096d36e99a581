// SPDX-License-Identifier: BSD-3-Clause
#include "surrogate.hpp"

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>

namespace {

namespace nz = nodezero::eigen;

// To numbers of about 1, which a model learns best from.
constexpr float difference_scale = 5, change_scale = 40;

/// All cells one below the other.
nz::Matrix column(const Field& f) {
  return f.reshaped<Eigen::RowMajor>(f.size(), 1);
}

/// What the model sees of each cell, a row a cell: how far both concentrations of the cells around
/// it are from its own, and in their middle its own.
nz::Matrix patches(const Fields& f) {
  nz::Matrix seen(f.u.size(), 18);
  for (int k = 0; k < 9; ++k) {
    const int dx = k % 3 - 1, dy = k / 3 - 1;
    seen.col(2 * k) = column(difference_scale * (shifted(f.u, dx, dy) - f.u));
    seen.col(2 * k + 1) = column(difference_scale * (shifted(f.v, dx, dy) - f.v));
  }
  seen.col(8) = column(2 * f.u - 1);
  seen.col(9) = column(4 * f.v - 1);
  return seen;
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

nz::MultilayerPerceptron make_model() {
  return nz::MultilayerPerceptron({18, 40, 40, 2});
}

}  // namespace

nodezero::TrainerOptions Surrogate::options(std::uint64_t steps,
                                            std::shared_ptr<nodezero::Machines> machines) {
  nodezero::TrainerOptions options;
  options.micro_batches = 3;
  options.steps_in_epoch = 20;
  options.total_steps = steps;
  options.optimizer.learning_rate = 4e-3;
  options.optimizer.min_learning_rate = 2e-5;
  options.optimizer.warmup = 50;
  if (machines) {
    options.running = nodezero::Running::own_threads;
    options.machines = std::move(machines);
    options.on_notice = [](const std::string& line) { std::printf("%s\n", line.c_str()); };
  }
  options.on_step = [this](const nodezero::StepReport& step) {
    const std::lock_guard lock(mutex_);
    losses_.push_back(step.loss);
    reported_.notify_all();
  };
  return options;
}

Surrogate::Surrogate(std::uint64_t steps, std::shared_ptr<nodezero::Machines> machines)
    : has_own_threads_(machines != nullptr),
      trainer_(
          value_of(nodezero::Trainer::create(make_model(), options(steps, std::move(machines))))) {}

void Surrogate::lend(nodezero::HostOptions options) {
  value_of(nodezero::host(make_model(), std::move(options)));
}

void Surrogate::learn(const Fields& before, const Fields& after, int batches, int cells) {
  const nz::Matrix seen = patches(before), v = column(before.v);
  nz::Matrix changes(v.size(), 2);
  changes << change_scale * column(after.u - before.u), change_scale * column(after.v - before.v);
  const auto any = [&](Eigen::Index i) {
    auto cell = static_cast<Eigen::Index>(random_() % v.size());
    for (int tries = 0; i % 2 == 0 && tries < 50 && v(cell) < 0.02f; ++tries) {
      cell = static_cast<Eigen::Index>(random_() % v.size());
    }
    return cell;
  };
  for (int batch = 0; batch < batches; ++batch) {
    const auto chosen = Eigen::ArrayX<Eigen::Index>::NullaryExpr(cells, any).eval();
    value_of(trainer_.submit(nz::Examples{seen(chosen, Eigen::all), changes(chosen, Eigen::all)}));
  }
}

void Surrogate::advance_to(double time) {
  if (!has_own_threads_) {
    value_of(trainer_.advance_to(time));
  }
}

void Surrogate::finish(std::uint64_t steps) {
  if (has_own_threads_) {
    const auto status = value_of(trainer_.wait_for_steps(steps, std::chrono::minutes(10)));
    if (!status.failure.empty()) {
      throw std::runtime_error(status.failure);
    }
    // The reports come on a thread of their own.
    std::unique_lock lock(mutex_);
    reported_.wait(lock, [&] { return losses_.size() >= steps; });
  }
}

std::vector<double> Surrogate::losses() const {
  const std::lock_guard lock(mutex_);
  return losses_;
}

void Surrogate::predict(const Fields& before, Fields& after, const Region& region) {
  const auto changes = value_of(nz::predict(trainer_, patches(before))).output;
  const auto replace = [&](const Field& from, Field& to, int which) {
    const auto change = changes->col(which).reshaped<Eigen::RowMajor>(from.rows(), from.cols());
    const auto part = [&](auto&& field) {
      return field.block(region.top, region.left, region.height, region.width);
    };
    part(to) = part(from) + part(change).array() / change_scale;
  };
  replace(before.u, after.u, 0);
  replace(before.v, after.v, 1);
}
