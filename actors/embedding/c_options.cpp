// SPDX-License-Identifier: BSD-3-Clause

// The options of nodezero.h in terms of the C++ interface.

#include "actors/embedding/c_options.hpp"

#include <bit>
#include <cstdint>
#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>

namespace {

/// The jobs that C hosts were given and have not called yet. A host knows them by numbers, so that
/// one that it calls twice, or after its function for jobs has thrown, is no longer there.
class GivenJobs {
 public:
  void* add(std::function<void()> job) {
    const std::lock_guard lock(mutex_);
    jobs_.emplace(++last_, std::move(job));
    return std::bit_cast<void*>(last_);
  }
  std::function<void()> take(void* number) {
    const std::lock_guard lock(mutex_);
    const auto job = jobs_.extract(std::bit_cast<std::uintptr_t>(number));
    return job ? std::move(job.mapped()) : nullptr;
  }

 private:
  std::mutex mutex_;
  std::uintptr_t last_ = 0;
  std::unordered_map<std::uintptr_t, std::function<void()>> jobs_;
};

/// Never destroyed: a thread of the host's may still call a job while the process ends.
GivenJobs& given_jobs() {
  static auto* const jobs = new GivenJobs;
  return *jobs;
}

extern "C" void run_job(void* argument) {
  if (const auto job = given_jobs().take(argument)) {
    job();
  }
}

/// The values that both structs hold, each named once for both directions.
template <class C, class Options, class Copy>
void for_each_value(C& c, Options&& o, Copy copy) {
  copy(c.running, o.running);
  copy(c.threads, o.threads);
  copy(c.spheres, o.spheres);
  copy(c.symmetry, o.symmetry);
  copy(c.micro_batches, o.micro_batches);
  copy(c.steps_in_epoch, o.steps_in_epoch);
  copy(c.total_steps, o.total_steps);
  copy(c.seed, o.seed);
  copy(c.learning_rate, o.optimizer.learning_rate);
  copy(c.min_learning_rate, o.optimizer.min_learning_rate);
  copy(c.warmup, o.optimizer.warmup);
  copy(c.beta1, o.optimizer.beta1);
  copy(c.beta2, o.optimizer.beta2);
  copy(c.epsilon, o.optimizer.epsilon);
  copy(c.weight_decay, o.optimizer.weight_decay);
  copy(c.clip, o.optimizer.clip);
  copy(c.queue_bound, o.queue_bound);
  copy(c.when_full, o.when_full);
  copy(c.time_per_step, o.time_per_step);
  copy(c.start_time, o.start_time);
  copy(c.schedule, o.optimizer.schedule);
  copy(c.decay_steps, o.optimizer.decay_steps);
  copy(c.accept_other_arithmetic, o.accept_other_arithmetic);
}

/// A C program may have put any number into an enumeration, which no C++ program may read as an
/// enumerator, not even as the operand of std::bit_cast.
template <typename Enumeration>
int number_of(const Enumeration& enumeration) {
  static_assert(sizeof(Enumeration) == sizeof(int));
  int number = 0;
  std::memcpy(&number, &enumeration, sizeof number);
  return number;
}

}  // namespace

namespace nodezero {

Result<TrainerOptions> to_options(const nodezero_options* given) {
  const auto known = known_part(given, nodezero_options_init);
  if (!known) {
    return tl::unexpected<Error>(known.error());
  }
  const nodezero_options& o = *known;
  const int running = number_of(o.running), when_full = number_of(o.when_full),
            schedule = number_of(o.schedule);
  if (running < NODEZERO_STEPPED || running > NODEZERO_HOST_EXECUTOR || when_full < NODEZERO_WAIT ||
      when_full > NODEZERO_REFUSE || schedule < NODEZERO_COSINE || schedule > NODEZERO_WSD) {
    return fail(ErrorCode::invalid_argument,
                "running, when_full or schedule is none of its values");
  }
  TrainerOptions options;
  for_each_value(o, options, [](const auto& from, auto& to) {
    to = static_cast<std::remove_reference_t<decltype(to)>>(from);
  });
  options.folder = o.folder ? o.folder : "";
  options.machines = o.machines ? o.machines->machines : nullptr;
  if (o.execute) {
    options.execute = [call = o.execute, user = o.user](std::function<void()> job) {
      void* const number = given_jobs().add(std::move(job));
      try {
        call(user, run_job, number);
      } catch (...) {
        given_jobs().take(number);  // or those who wait for it would think that it is to come
        throw;
      }
    };
  }
  if (o.on_step) {
    options.on_step = [call = o.on_step, user = o.user](const StepReport& r) {
      const nodezero_step_report report{r.step, r.epoch,         r.version,
                                        r.loss, r.gradient_norm, r.learning_rate};
      call(user, &report);
    };
  }
  options.on_notice = telling(o.on_notice, o.user);
  return options;
}

}  // namespace nodezero

extern "C" {

void nodezero_options_init(nodezero_options* options, size_t size) {
  nodezero_options defaults = {};
  defaults.size = size;
  for_each_value(defaults, nodezero::TrainerOptions(), [](auto& to, const auto& from) {
    to = static_cast<std::remove_reference_t<decltype(to)>>(from);
  });
  nodezero::set_up(options, size, defaults);
}

void nodezero_model_init(nodezero_model* model, size_t size) {
  nodezero::set_up(model, size, {size, nullptr, nullptr, 0, nullptr, nullptr, nullptr, nullptr});
}

void nodezero_status_init(nodezero_status* status, size_t size) {
  nodezero_status empty = {};
  empty.size = size;
  nodezero::set_up(status, size, empty);
}

}  // extern "C"
