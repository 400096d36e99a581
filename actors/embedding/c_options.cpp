// SPDX-License-Identifier: BSD-3-Clause

// The options of nodezero.h in terms of the C++ interface.

#include "actors/embedding/c_options.hpp"

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace {

extern "C" void run_job(void* argument) {
  const std::unique_ptr<std::function<void()>> job(static_cast<std::function<void()>*>(argument));
  (*job)();
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

}  // namespace

namespace nodezero {

Result<TrainerOptions> to_options(const nodezero_options* given) {
  const auto known = known_part(given, nodezero_options_init);
  if (!known) {
    return tl::unexpected<Error>(known.error());
  }
  const nodezero_options& o = *known;
  const int running = o.running, when_full = o.when_full, schedule = o.schedule;
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
  if (o.execute) {
    options.execute = [call = o.execute, user = o.user](std::function<void()> job) {
      call(user, run_job, new std::function<void()>(std::move(job)));
    };
  }
  if (o.on_step) {
    options.on_step = [call = o.on_step, user = o.user](const StepReport& r) {
      const nodezero_step_report report{r.step, r.epoch,         r.version,
                                        r.loss, r.gradient_norm, r.learning_rate};
      call(user, &report);
    };
  }
  if (o.on_notice) {
    options.on_notice = [call = o.on_notice, user = o.user](const std::string& text) {
      call(user, text.c_str());
    };
  }
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
  nodezero::set_up(model, size, {size, nullptr, nullptr, 0, nullptr, nullptr, nullptr});
}

void nodezero_status_init(nodezero_status* status, size_t size) {
  nodezero_status empty = {};
  empty.size = size;
  nodezero::set_up(status, size, empty);
}

}  // extern "C"
