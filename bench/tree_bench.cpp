// SPDX-License-Identifier: BSD-3-Clause

// What the tree costs, measured on a small model; each line is one claim of the README.
//
//   tree_bench idle|spheres|epochs|many
//
// idle     processor time of a trained, idle system over 5 seconds, as a share of a core
// spheres  157 micro-batches a step with 157 spheres against 2: time and memory a step
// epochs   memory after 5 and after 50 epochs
// many     20,736 workers with as many micro-batches train one step and stop
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <time.h>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "actors/run/trainer.hpp"
#include "model/training/batch_source.hpp"

namespace {

using namespace nodezero;
using Clock = std::chrono::steady_clock;

class RepeatingTokens : public model::TokenSource {
 public:
  explicit RepeatingTokens(std::uint64_t size) : size_(size) {}
  std::uint64_t size() const override { return size_; }
  void read(std::uint64_t offset, std::span<std::int32_t> out) const override {
    for (auto& id : out) {
      id = static_cast<std::int32_t>(offset++ * 2654435761U >> 7) & 63;
    }
  }

 private:
  std::uint64_t size_;
};

actors::RunSettings settings_for(model::ModelConfig config, std::uint32_t micro_batches,
                                 std::uint64_t steps_an_epoch) {
  actors::RunSettings settings;
  settings.training.model = config;
  settings.training.sequences = 1;
  settings.training.micro_batches = micro_batches;
  const std::uint64_t targets =
      steps_an_epoch * micro_batches * static_cast<std::uint64_t>(config.context);
  const auto tokens = std::make_shared<RepeatingTokens>(targets + 1);
  settings.training_batches = std::make_shared<model::ShuffledWindows>(
      tokens, model::TokenRange{0, tokens->size()}, config.context, 1, micro_batches, 1);
  settings.inference = actors::InferencePolicy::refuse;
  return settings;
}

constexpr model::ModelConfig small{
    .layers = 2, .heads = 2, .width = 64, .context = 32, .vocabulary = 64};

double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double resident_megabytes() {
  std::ifstream statm("/proc/self/statm");
  double size = 0;
  double resident = 0;
  statm >> size >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

double peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1e3;
}

struct StepTimes : actors::Observer {
  void on_step(const actors::StepSummary& summary) override {
    const auto now = Clock::now();
    milliseconds.push_back(std::chrono::duration<double, std::milli>(now - last).count());
    last = now;
    spheres_busy = std::max(spheres_busy, summary.spheres_busy);
  }
  void on_epoch(const actors::EpochSummary&) override { resident.push_back(resident_megabytes()); }
  double median() const {
    auto sorted = milliseconds;
    std::sort(sorted.begin(), sorted.end());
    return sorted[sorted.size() / 2];
  }

  Clock::time_point last = Clock::now();
  std::vector<double> milliseconds;
  std::vector<double> resident;
  std::uint32_t spheres_busy = 0;
};

void measure_idle() {
  auto settings = settings_for(small, 4, 10);
  settings.spheres = 157;
  StepTimes times;
  actors::Trainer trainer(settings, times);
  trainer.run();
  const double before = processor_seconds();
  std::this_thread::sleep_for(std::chrono::seconds(5));
  fmt::print("idle: {:.3f} % of a core with 157 spheres\n",
             (processor_seconds() - before) / 5 * 100);
}

StepTimes train_spheres(std::uint32_t spheres) {
  auto settings = settings_for(small, 157, 20);
  settings.spheres = spheres;
  StepTimes times;
  actors::Trainer(settings, times).run();
  return times;
}

void measure_spheres() {
  // Alternating, so that a machine whose speed drifts disturbs both alike. Peak memory only
  // rises, so the small tree is measured first.
  std::vector<double> ratios;
  double peak_of_2 = 0;
  for (int round = 0; round < 7; ++round) {
    const auto few = train_spheres(2);
    peak_of_2 = round == 0 ? peak_megabytes() : peak_of_2;
    const auto many = train_spheres(157);
    ratios.push_back(many.median() / few.median());
    fmt::print("spheres: 2 take {:.1f} ms a step, 157 take {:.1f} ms, {} of them busy: {:.3f}\n",
               few.median(), many.median(), many.spheres_busy, ratios.back());
  }
  std::sort(ratios.begin(), ratios.end());
  fmt::print("spheres: median ratio of time {:.3f}, of peak memory {:.3f}\n",
             ratios[ratios.size() / 2], peak_megabytes() / peak_of_2);
}

void measure_epochs() {
  auto settings = settings_for(small, 8, 10);
  settings.training.epochs = 50;
  StepTimes times;
  actors::Trainer(settings, times).run();
  fmt::print("epochs: {:.1f} MB after 5, {:.1f} MB after 50\n", times.resident[4],
             times.resident.back());
}

void measure_many() {
  constexpr std::uint32_t workers = 20'736;
  auto settings = settings_for(
      {.layers = 1, .heads = 1, .width = 16, .context = 8, .vocabulary = 64}, workers, 1);
  settings.spheres = workers;
  settings.training.steps = 1;
  StepTimes times;
  const auto start = Clock::now();
  actors::TrainingResult result;
  {
    actors::Trainer trainer(settings, times);
    result = trainer.run();
  }
  fmt::print("many: {} workers, {} busy, {} step, {:.1f} s from start to stop, {:.0f} MB\n",
             workers, times.spheres_busy, result.progress.step,
             std::chrono::duration<double>(Clock::now() - start).count(), peak_megabytes());
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc == 2 ? argv[1] : "";
  if (what == "idle") {
    measure_idle();
  } else if (what == "spheres") {
    measure_spheres();
  } else if (what == "epochs") {
    measure_epochs();
  } else if (what == "many") {
    measure_many();
  } else {
    fmt::print(stderr, "usage: tree_bench idle|spheres|epochs|many\n");
    return 2;
  }
  return 0;
}
