// SPDX-License-Identifier: BSD-3-Clause

// What recording costs: nanoseconds a record, and processor time of training steps with and
// without, in turn.
//
//   trace_bench records         nanoseconds of one record and of one message
//   trace_bench steps A 20      20 pairs of runs of configuration A (or B), 2 lanes
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>
#include <time.h>
#include <vector>

#include <fmt/format.h>

#include "actors/laws/trace_catalogue.hpp"
#include "actors/messages.hpp"
#include "actors/run/trainer.hpp"
#include "apps/nodezero/bench/bench_shapes.hpp"
#include "model/kernels/random.hpp"
#include "model/training/batch_source.hpp"
#include "runtime/recorded.hpp"
#include "runtime/system_config.hpp"
#include "runtime/trace/recorder.hpp"

namespace {

using namespace nodezero;
using runtime::trace::Kind;
using runtime::trace::Recorder;

std::filesystem::path trace_path() {
  return std::filesystem::temp_directory_path() / "trace_bench.nztrace";
}

std::unique_ptr<Recorder> make_recorder(bool to_file) {
  auto recorder = Recorder::make({.file = to_file ? trace_path() : "",
                                  .ring = std::chrono::seconds(60),
                                  .catalogue = actors::trace_catalogue(),
                                  .about = {},
                                  .warn = {}});
  if (!recorder) {
    fmt::print(stderr, "{}\n", recorder.error().message);
    std::exit(1);
  }
  return std::move(*recorder);
}

double seconds_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

// ---- records -----------------------------------------------------------------------------

/// Median of several runs of the thread's processor time, in nanoseconds.
double time_each(std::size_t count, const std::function<void()>& run) {
  std::vector<double> times;
  for (int i = 0; i < 11; ++i) {
    const double begin = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    run();
    times.push_back((seconds_of(CLOCK_THREAD_CPUTIME_ID) - begin) / static_cast<double>(count));
  }
  return median(times) * 1e9;
}

class counter : public runtime::recorded<caf::event_based_actor> {
 public:
  using recorded::recorded;

 protected:
  caf::behavior make_behavior() override {
    return {[](const actors::abandon&) {}};
  }
};

/// Nanoseconds to send a message to an actor and have it handled, under the testing scheduler.
double time_message(Recorder* recorder) {
  constexpr std::size_t count = 200'000;
  caf::actor_system_config config;
  runtime::configure(config, runtime::Scheduling::testing);
  if (recorder) {
    runtime::attach_recorder(config, *recorder);
  }
  caf::actor_system system(config);
  auto& scheduler = dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  auto actor = system.spawn<counter>();
  scheduler.run();
  const double time = time_each(count, [&] {
    for (std::size_t i = 0; i < count; ++i) {
      caf::anon_send(actor, actors::abandon{});
      scheduler.run_once();
    }
  });
  caf::anon_send_exit(actor, caf::exit_reason::kill);
  actor = nullptr;
  scheduler.run();
  return time;
}

/// Nanoseconds of what stands around a message when nobody records.
double time_off() {
  constexpr std::size_t count = 10'000'000;
  caf::actor_system_config config;
  runtime::configure(config, runtime::Scheduling::testing);
  caf::actor_system system(config);
  caf::scoped_actor host(system);
  caf::local_actor& actor = *host.ptr();
  runtime::ActorTrace trace(actor);
  const auto element = caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, 1);
  return time_each(count, [&] {
    for (std::size_t i = 0; i < count; ++i) {
      // Another thread may have changed it for all that the compiler knows, as with any actor.
      asm volatile("" : : "r"(&trace) : "memory");
      if (trace.is_on()) {
        trace.sent(actor, *element);
      }
      asm volatile("" : : "r"(&trace) : "memory");
      runtime::ActorTrace::Handling handling(trace, actor, *element);
      handling.finished(caf::invoke_message_result::consumed);
    }
  });
}

int measure_records() {
  constexpr std::size_t count = 1'000'000;
  const auto recorder = make_recorder(false);
  const double record = time_each(count, [&] {
    for (std::size_t i = 0; i < count; ++i) {
      auto& log = recorder->here();
      log.append({.message = log.next_message(), .actor = 1, .peer = 2, .kind = Kind::send});
      log.publish();
    }
  });
  // In turn, because the machine's speed changes.
  std::vector<double> off;
  std::vector<double> ring;
  std::vector<double> file;
  for (int i = 0; i < 5; ++i) {
    off.push_back(time_message(nullptr));
    ring.push_back(time_message(make_recorder(false).get()));
    file.push_back(time_message(make_recorder(true).get()));
  }
  std::filesystem::remove(trace_path());
  fmt::print("a record                      {:6.1f} ns\n", record);
  fmt::print("a message, for its recording that is off {:.2f} ns\n", time_off());
  fmt::print("a message, nothing recorded   {:6.1f} ns\n", median(off));
  fmt::print("a message in the ring         {:6.1f} ns: {:.1f} ns for each of its 4 records\n",
             median(ring), (median(ring) - median(off)) / 4);
  fmt::print("a message, ring and file      {:6.1f} ns (without the file's writer)\n",
             median(file));
  return 0;
}

// ---- steps -------------------------------------------------------------------------------

class RandomTokens : public model::TokenSource {
 public:
  std::uint64_t size() const override { return 100'000; }
  void read(std::uint64_t offset, std::span<std::int32_t> out) const override {
    const model::KeyedRandom random(1337, model::RandomPurpose::sampling, 0);
    for (auto& id : out) {
      id = static_cast<std::int32_t>(random.uniform(offset++) * 65);
    }
  }
};

/// Processor time of the whole program from the end of one step to the end of a later one.
class StepMeter : public actors::Observer {
 public:
  explicit StepMeter(std::uint64_t steps) : steps_(steps) {}
  std::function<void()> stop;

  void on_step(const actors::StepSummary& summary) override {
    const double now = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    if (summary.step == warm_up) {
      begin_ = now;
    } else if (summary.step == warm_up + steps_) {
      seconds_a_step = (now - begin_) / static_cast<double>(steps_);
      stop();
    }
  }

  double seconds_a_step = 0;

 private:
  static constexpr std::uint64_t warm_up = 3;
  std::uint64_t steps_;
  double begin_ = 0;
};

double seconds_a_step(const apps::BenchShape& shape, std::uint64_t steps, Recorder* recorder) {
  actors::RunSettings settings;
  settings.training.model = shape.model;
  settings.training.optimizer.warmup = 0;
  settings.training.micro_batches = 2;
  settings.training.sequences = shape.sequences / 2;
  settings.training.steps = 1'000'000;
  settings.training_batches = std::make_shared<model::ShuffledWindows>(
      std::make_shared<RandomTokens>(), model::TokenRange{0, 100'000}, shape.model.context,
      settings.training.sequences, 2, settings.training.seed);
  settings.spheres = 2;
  settings.threads = 2;
  settings.inference = actors::InferencePolicy::refuse;
  settings.recorder = recorder;
  StepMeter meter(steps);
  actors::Trainer trainer(settings, meter);
  meter.stop = [&trainer] { trainer.stop(); };
  trainer.run();
  return meter.seconds_a_step;
}

int measure_steps(std::string_view config, int pairs) {
  const auto shape = apps::find_bench_shape(config);
  if (!shape || pairs < 2) {
    fmt::print(stderr, "trace_bench steps A|B PAIRS\n");
    return 2;
  }
  const std::uint64_t steps = config == "A" ? 150 : 6;
  seconds_a_step(*shape, steps, nullptr);
  for (const bool to_file : {false, true}) {
    std::vector<double> logarithms;
    for (int pair = 0; pair < pairs; ++pair) {
      // Who begins changes, so that a drift of the machine falls on both.
      double with = 0;
      double without = 0;
      for (int half = 0; half < 2; ++half) {
        if ((half + pair) % 2 == 0) {
          without = seconds_a_step(*shape, steps, nullptr);
        } else {
          const auto recorder = make_recorder(to_file);
          with = seconds_a_step(*shape, steps, recorder.get());
        }
      }
      logarithms.push_back(std::log(with / without));
    }
    const auto count = static_cast<double>(logarithms.size());
    double mean = 0;
    for (const double value : logarithms) {
      mean += value / count;
    }
    double variance = 0;
    for (const double value : logarithms) {
      variance += (value - mean) * (value - mean) / (count - 1);
    }
    const double margin = 1.96 * std::sqrt(variance / count);
    fmt::print(
        "{} with {}: {:.4f} of the processor time a step, 95 % of {:.4f} to {:.4f}, {} pairs\n",
        config, to_file ? "ring and file" : "ring", std::exp(mean), std::exp(mean - margin),
        std::exp(mean + margin), pairs);
    std::fflush(stdout);
  }
  std::filesystem::remove(trace_path());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "records") {
    return measure_records();
  }
  if (what == "steps" && argc == 4) {
    return measure_steps(argv[2], std::atoi(argv[3]));
  }
  fmt::print(stderr, "trace_bench records | steps A|B PAIRS\n");
  return 2;
}
