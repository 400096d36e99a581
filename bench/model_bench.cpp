// SPDX-License-Identifier: BSD-3-Clause

// Times a training step of the model layer by part, without actors: each of two halves of
// the batch is one micro-batch on a thread of its own, then the gradients are added, the
// norm is taken and the weights are updated in shards. Prints the median over the steps.
//
//   model_bench --config A|B|C64|C1024 [--threads 2] [--seconds 6] [--precision fp32|bf16] [--json]
//
// With --json it prints what bench/compare reads, so that the actors' cost can be measured pair
// by pair: compare --peer build/release/bench/model_bench --peer-options=--json
#include <algorithm>
#include <barrier>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <time.h>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/nodezero/bench/bench_shapes.hpp"
#include "model/gpt2/gpt2.hpp"
#include "model/gpt2/gpt2_layout.hpp"
#include "model/kernels/floating_point_scope.hpp"
#include "model/training/adamw.hpp"

namespace {

using namespace nodezero::model;
using nodezero::apps::BenchShape;

MicroBatch make_batch(const ModelConfig& config, std::int64_t sequences, std::uint32_t salt) {
  MicroBatch batch;
  batch.sequences = sequences;
  batch.context = config.context;
  batch.valid_tokens = sequences * config.context;
  std::uint32_t state = salt;
  const auto token = [&] {
    state = state * 1664525u + 1013904223u;
    return static_cast<std::int32_t>((state >> 8) % static_cast<std::uint32_t>(config.vocabulary));
  };
  for (std::int64_t i = 0; i < batch.valid_tokens; ++i) {
    batch.inputs.push_back(token());
    batch.targets.push_back(token());
  }
  return batch;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

/// Processor time of the calling thread, which other programs on the machine disturb less
/// than time on the clock.
double thread_milliseconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return 1e3 * static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_nsec);
}

/// Milliseconds of each part of each step, written by the first thread.
struct Timings {
  std::vector<double> gradient_processor, gradient, add, norm, update, step;
};

Timings train(const BenchShape& shape, double seconds, std::size_t threads, Precision precision) {
  const auto layout = gpt2_layout(shape.model);
  Parameters weights(layout);
  initialize(shape.model, 1, weights);
  OptimizerState state(layout);
  std::vector<Gradient> gradients;
  for (std::size_t i = 0; i < threads; ++i) {
    gradients.emplace_back(layout);
  }
  const std::size_t blocks = norm_block_count(*layout);
  std::vector<double> sums(blocks);
  Timings timings;
  std::barrier meet(static_cast<std::ptrdiff_t>(threads));
  bool finished = false;  // written by the first thread between two meetings
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);

  const auto lane = [&](std::size_t index) {
    const FloatingPointScope scope;
    Workspace workspace(precision);
    const MicroBatch batch =
        make_batch(shape.model, shape.sequences / static_cast<std::int64_t>(threads),
                   static_cast<std::uint32_t>(index + 1));
    const std::size_t first = blocks * index / threads, last = blocks * (index + 1) / threads;
    using Clock = std::chrono::steady_clock;
    for (std::uint64_t step = 1; !finished; ++step) {
      const auto begin = Clock::now();
      auto mark = begin;
      const auto lap = [&](std::vector<double>& part) {
        meet.arrive_and_wait();
        const auto now = Clock::now();
        if (index == 0) {
          part.push_back(std::chrono::duration<double, std::milli>(now - mark).count());
        }
        mark = now;
      };
      const double processor_begin = thread_milliseconds();
      loss_and_gradient(shape.model, weights, batch, {}, gradients[index], workspace);
      if (index == 0) {
        timings.gradient_processor.push_back(thread_milliseconds() - processor_begin);
      }
      lap(timings.gradient);
      const std::size_t size = gradients[0].values().size(), share = (size + threads - 1) / threads;
      const std::size_t from = std::min(size, index * share), count = std::min(share, size - from);
      for (std::size_t other = 1; other < threads; ++other) {
        add_in_place(gradients[0].values().subspan(from, count),
                     gradients[other].values().subspan(from, count));
      }
      lap(timings.add);
      squared_norm_blocks(gradients[0], first, std::span(sums).subspan(first, last - first));
      lap(timings.norm);
      const double norm = std::sqrt(sum_along_tree(sums));
      adamw_update({}, {.step = step, .learning_rate = 1e-4, .gradient_scale = 1.0 / (1.0 + norm)},
                   gradients[0], weights, weights, state, first, last);
      lap(timings.update);
      if (index == 0) {
        timings.step.push_back(
            std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
        finished = Clock::now() >= end;
      }
      meet.arrive_and_wait();
    }
  };
  std::vector<std::jthread> others;
  for (std::size_t index = 1; index < threads; ++index) {
    others.emplace_back(lane, index);
  }
  lane(0);
  return timings;
}

}  // namespace

int main(int argc, char** argv) {
  std::string config = "A", type = "fp32";
  std::size_t threads = 2;
  double seconds = 6;
  bool as_json = false;
  CLI::App app("Time a training step of the model layer by part, without actors");
  app.add_option("--config", config)->check(CLI::IsMember({"A", "B", "C64", "C1024"}));
  app.add_option("--threads", threads)->check(CLI::PositiveNumber);
  app.add_option("--seconds", seconds)->check(CLI::PositiveNumber);
  app.add_option("--precision", type)->check(CLI::IsMember({"fp32", "bf16"}));
  app.add_flag("--json", as_json);
  CLI11_PARSE(app, argc, argv);
  const BenchShape shape = *nodezero::apps::find_bench_shape(config);
  if (shape.sequences % threads != 0) {
    fmt::print(stderr, "model_bench: {} sequences do not divide among {} threads\n",
               shape.sequences, threads);
    return 2;
  }
  const Timings timings =
      train(shape, seconds, threads, type == "bf16" ? Precision::bf16 : Precision::fp32);
  const auto tokens = static_cast<double>(shape.sequences * shape.model.context);
  const double step = median(timings.step);
  if (as_json) {
    fmt::print("{}\n", nlohmann::json{{"config", config},
                                      {"dtype", type},
                                      {"ms_per_step", step},
                                      {"tokens_per_second", 1e3 * tokens / step}}
                           .dump());
    return 0;
  }
  fmt::print(
      "{} {}: gradient {:.2f} ms (processor {:.2f}), add {:.2f}, norm {:.2f}, update {:.2f}, step "
      "{:.2f} (least {:.2f}): {:.0f} tokens/s, {:.0f} GFLOP/s\n",
      config, type, median(timings.gradient), median(timings.gradient_processor),
      median(timings.add), median(timings.norm), median(timings.update), step,
      *std::min_element(timings.step.begin(), timings.step.end()), 1e3 * tokens / step,
      1e-6 * tokens / step * flops_per_token(shape.model));
}
