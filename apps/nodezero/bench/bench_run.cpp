// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/bench/bench_run.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <sys/resource.h>
#include <time.h>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "actors/run/trainer.hpp"
#include "apps/nodezero/bench/peak_rate.hpp"
#include "apps/nodezero/bench/product_time.hpp"
#include "apps/nodezero/common.hpp"
#include "apps/nodezero/options/option_values.hpp"
#include "model/gpt2/gpt2.hpp"
#include "model/gpt2/gpt2_layout.hpp"
#include "model/kernels/kernels.hpp"
#include "model/kernels/random.hpp"
#include "model/training/batch_source.hpp"

namespace nodezero::apps {
namespace {

using Clock = std::chrono::steady_clock;

/// A million uniform token ids that take no memory: each is a function of its index.
class RandomTokens : public model::TokenSource {
 public:
  explicit RandomTokens(std::int64_t vocabulary) : vocabulary_(vocabulary) {}
  std::uint64_t size() const override { return 1'000'000; }
  void read(std::uint64_t offset, std::span<std::int32_t> out) const override {
    const model::KeyedRandom random(1337, model::RandomPurpose::sampling, 0);
    for (auto& id : out) {
      id = static_cast<std::int32_t>(random.uniform(offset++) * static_cast<double>(vocabulary_));
    }
  }

 private:
  std::int64_t vocabulary_;
};

/// The time spent so far by the lanes and by the process, in milliseconds.
struct Spent {
  double forward = 0, backward = 0, reduction = 0, optimizer = 0;
  double lanes_processor = 0;
  double processor = 0;  ///< of all threads

  double lanes() const { return forward + backward + reduction + optimizer; }
};

Spent spent_so_far(const actors::LaneTimes& lanes) {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  const auto milliseconds = [](std::int64_t nanoseconds) {
    return 1e-6 * static_cast<double>(nanoseconds);
  };
  return {milliseconds(lanes.forward),
          milliseconds(lanes.backward),
          milliseconds(lanes.reduction),
          milliseconds(lanes.optimizer),
          milliseconds(lanes.processor),
          1e3 * static_cast<double>(time.tv_sec) + milliseconds(time.tv_nsec)};
}

/// Measures the time between the ends of steps and stops the run after enough of them.
class StepClock : public actors::Observer {
 public:
  StepClock(double seconds, std::shared_ptr<const actors::LaneTimes> lanes)
      : seconds_(seconds), lanes_(std::move(lanes)) {}
  void stop_with(std::function<void()> stop) { stop_ = std::move(stop); }

  void on_step(const actors::StepSummary& summary) override {
    const auto now = Clock::now();
    if (summary.step >= warm_up) {
      milliseconds_.push_back(std::chrono::duration<double, std::milli>(now - last_).count());
      total_ += milliseconds_.back();
      loss_ = summary.loss;
      end_ = spent_so_far(*lanes_);
    } else {
      begin_ = spent_so_far(*lanes_);
    }
    last_ = now;
    if (milliseconds_.size() >= 3 && total_ >= seconds_ * 1e3) {
      stop_();
    }
  }

  const std::vector<double>& milliseconds() const { return milliseconds_; }
  double loss() const { return loss_; }
  double mean() const { return total_ / static_cast<double>(milliseconds_.size()); }
  /// The mean time spent per step.
  Spent a_step() const {
    const auto steps = static_cast<double>(milliseconds_.size());
    return {(end_.forward - begin_.forward) / steps,
            (end_.backward - begin_.backward) / steps,
            (end_.reduction - begin_.reduction) / steps,
            (end_.optimizer - begin_.optimizer) / steps,
            (end_.lanes_processor - begin_.lanes_processor) / steps,
            (end_.processor - begin_.processor) / steps};
  }

 private:
  static constexpr std::uint64_t warm_up = 3;
  double seconds_;
  std::shared_ptr<const actors::LaneTimes> lanes_;
  Spent begin_;
  Spent end_;
  std::function<void()> stop_;
  Clock::time_point last_ = Clock::now();
  std::vector<double> milliseconds_;
  double total_ = 0;
  double loss_ = 0;
};

actors::RunSettings bench_settings(const BenchOptions& options, const BenchShape& shape,
                                   std::uint32_t sequences) {
  actors::RunSettings settings;
  const std::uint32_t micro_batches =
      std::min(sequences, options.micro_batches > 0 ? options.micro_batches : options.threads);
  settings.training.model = shape.model;
  settings.training.optimizer.learning_rate = 1e-3;
  settings.training.optimizer.min_learning_rate = 1e-3;
  settings.training.optimizer.warmup = 0;
  settings.training.sequences = (sequences + micro_batches - 1) / micro_batches;
  settings.training.micro_batches = micro_batches;
  settings.training.precision = options.precision;
  settings.training.steps = 1'000'000'000;
  const auto tokens = std::make_shared<RandomTokens>(shape.model.vocabulary);
  settings.training_batches = std::make_shared<model::ShuffledWindows>(
      tokens, model::TokenRange{0, tokens->size()}, shape.model.context,
      settings.training.sequences, micro_batches, settings.training.seed);
  settings.spheres = options.spheres;
  settings.threads = options.threads;
  settings.inference = actors::InferencePolicy::refuse;
  return settings;
}

double rounded(double value, double digits) {
  const double scale = std::pow(10.0, digits);
  return std::round(value * scale) / scale;
}

nlohmann::ordered_json bench_json(const BenchOptions& options, const BenchShape& shape,
                                  const model::TrainingConfig& training, const StepClock& clock,
                                  double peak, std::int64_t memory) {
  auto times = clock.milliseconds();
  std::sort(times.begin(), times.end());
  const double median = times[times.size() / 2];
  const auto sequences = static_cast<std::int64_t>(training.sequences) * training.micro_batches;
  const auto tokens = static_cast<double>(sequences * shape.model.context);
  const double rate = tokens / median * 1e3 * model::flops_per_token(shape.model);
  const double products =
      1e3 * measure_product_time(shape.model, training.sequences, training.micro_batches,
                                 options.threads, options.precision);
  const Spent spent = clock.a_step();
  const auto lanes = static_cast<double>(options.threads);

  nlohmann::ordered_json json;
  json["config"] = shape.name;
  json["sequences"] = sequences;
  json["dtype"] = value_name(options.precision);
  json["kernels"] = model::kernels_in_use();
  json["compile"] = false;
  json["threads"] = options.threads;
  json["nodezero"] = NODEZERO_VERSION;
  json["parameters"] = model::gpt2_layout(shape.model)->parameter_count();
  json["steps"] = times.size();
  json["ms_per_step"] = rounded(median, 2);
  json["ms_best"] = rounded(times.front(), 2);
  json["tokens_per_second"] = static_cast<std::int64_t>(tokens / median * 1e3);
  json["rss_mb"] = memory;
  json["loss"] = rounded(clock.loss(), 4);
  json["spheres"] = options.spheres;
  json["micro_batches"] = training.micro_batches;
  json["gflops"] = rounded(rate * 1e-9, 1);
  json["peak_gflops"] = rounded(peak * 1e-9, 1);
  json["share_of_peak"] = rounded(rate / peak, 3);
  json["parts_ms"] = {{"forward", rounded(spent.forward / lanes, 3)},
                      {"backward", rounded(spent.backward / lanes, 3)},
                      {"reduction", rounded(spent.reduction / lanes, 3)},
                      {"optimizer", rounded(spent.optimizer / lanes, 3)},
                      {"idle", rounded(clock.mean() - spent.lanes() / lanes, 3)},
                      {"messages", rounded(spent.processor - spent.lanes_processor, 3)}};
  json["lane_utilisation"] = rounded(spent.lanes() / lanes / clock.mean(), 3);
  json["products_ms"] = rounded(products, 2);
  json["share_of_products"] = rounded(products / median, 3);
  json["ceiling_tokens_per_second"] = static_cast<std::int64_t>(tokens / products * 1e3);
  return json;
}

}  // namespace

nlohmann::ordered_json run_bench(const BenchOptions& options) {
  const auto shape = find_bench_shape(options.config);
  if (!shape) {
    throw CommandError(exit_bad_input,
                       "--config takes A, B, C64 or C1024, not '" + options.config + "'");
  }
  const std::uint32_t sequences = options.sequences > 0 ? options.sequences : shape->sequences;
  const double peak = measure_peak_rate(options.threads, options.precision);
  auto settings = bench_settings(options, *shape, sequences);
  const auto lane_times = std::make_shared<actors::LaneTimes>();
  settings.lane_times = lane_times;

  StepClock clock(options.seconds, lane_times);
  {
    actors::Trainer trainer(settings, clock);
    clock.stop_with([&trainer] { trainer.stop(); });
    const auto result = trainer.run();
    if (result.end == actors::TrainingResult::End::failed) {
      throw CommandError(exit_failure, result.failure);
    }
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return bench_json(options, *shape, settings.training, clock, peak, usage.ru_maxrss / 1024);
}

}  // namespace nodezero::apps
