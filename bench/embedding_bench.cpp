// What it costs to train in steps, inside of a host's calls, against one thread of its own:
// GPT-2 of configuration A (4 layers, width 128, 12 windows of 64 tokens), alternating.
//
//   embedding_bench [ROUNDS [STEPS]]

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <vector>

#include "nodezero/language_model.hpp"
#include "nodezero/trainer.hpp"

namespace {

using nodezero::Running;

constexpr nodezero::LanguageModel::Sizes sizes{
    .layers = 4, .heads = 4, .width = 128, .context = 64, .vocabulary = 65};
constexpr std::int64_t sequences = 12;

nodezero::TokenWindows windows_of(unsigned step) {
  nodezero::TokenWindows batch{sequences, sizes.context, {}, {}};
  for (unsigned i = 0; i < sequences * sizes.context; ++i) {
    batch.inputs.push_back(static_cast<std::int32_t>((step * 31 + i * 7) % 65));
    batch.targets.push_back(static_cast<std::int32_t>((step * 31 + i * 7 + 7) % 65));
  }
  return batch;
}

nodezero::Trainer make_trainer(Running running, std::size_t queue_bound) {
  nodezero::TrainerOptions options;
  options.running = running;
  options.spheres = 1;
  options.queue_bound = queue_bound;
  return std::move(
      nodezero::Trainer::create(nodezero::LanguageModel::create(sizes).value(), options).value());
}

/// Milliseconds a step.
double time_steps(nodezero::Trainer& trainer, bool is_stepped, unsigned steps) {
  const auto before = trainer.status().steps;
  const auto begin = std::chrono::steady_clock::now();
  for (unsigned step = 0; step < steps; ++step) {
    if (!trainer.submit(windows_of(step))) {
      std::exit(1);
    }
  }
  const auto status = is_stepped ? trainer.advance_to(trainer.status().time)
                                 : trainer.wait_for_steps(before + steps, std::chrono::hours(1));
  if (!status || status->steps != before + steps) {
    std::exit(1);
  }
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
             .count() /
         steps;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 7;
  const auto steps = static_cast<unsigned>(argc > 2 ? std::atoi(argv[2]) : 100);
  auto stepped = make_trainer(Running::stepped, steps);
  auto threaded = make_trainer(Running::own_threads, steps);
  std::vector<double> stepped_ms, threaded_ms, ratios;
  for (int round = -1; round < rounds; ++round) {
    const double a = time_steps(stepped, true, steps), b = time_steps(threaded, false, steps);
    if (round >= 0) {  // the first warms up
      stepped_ms.push_back(a);
      threaded_ms.push_back(b);
      ratios.push_back(a / b);
    }
  }
  std::printf("stepped %.3f ms a step, one thread of its own %.3f ms: %+.1f %% (at most +3 %%)\n",
              median(stepped_ms), median(threaded_ms), 100 * (median(ratios) - 1));
}
