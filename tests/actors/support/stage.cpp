// SPDX-License-Identifier: BSD-3-Clause
#include "support/stage.hpp"

#include <algorithm>

#include "model/kernels/random.hpp"

namespace nodezero::actors::testing {

Stage::Stage(const RunSettings& settings)
    : settings_(settings),
      config_(settings.recorder),
      system_(config_),
      scheduler_(dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler())),
      actors_(spawn_run(system_, runtime::Scheduling::testing, settings_, recorder_)) {}

Stage::~Stage() {
  hold = nullptr;
  observe = nullptr;
  actors_.send_exit();
  actors_ = {};
  run();
}

bool Stage::step() {
  auto& jobs = scheduler_.jobs;
  for (auto job = jobs.begin(); job != jobs.end(); ++job) {
    auto* actor = dynamic_cast<caf::scheduled_actor*>(*job);
    auto* element = actor ? actor->peek_at_next_mailbox_element() : nullptr;
    if (element) {
      const Delivery delivery{actor->name(), element, caf::strong_actor_ptr(actor->ctrl())};
      if (hold && hold(delivery)) {
        continue;
      }
      if (observe) {
        observe(delivery);
      }
    }
    std::rotate(jobs.begin(), job, job + 1);
    return scheduler_.try_run_once();
  }
  return false;
}

std::size_t Stage::run() {
  std::size_t steps = 0;
  while (step()) {
    ++steps;
  }
  return steps;
}

bool Stage::run_until(const std::function<bool()>& reached) {
  while (!reached()) {
    if (!step()) {
      return false;
    }
  }
  return true;
}

void Stage::kill_spheres(std::uint64_t seed, std::uint32_t count) {
  observe = [this, seed, count, delivery = std::uint64_t{0}](const Delivery& next) mutable {
    const model::KeyedRandom random(seed, model::RandomPurpose::sampling, delivery++);
    if ((next.receiver == "worker" || next.receiver == "control") && killed_ < count &&
        random.words(0)[0] % 8 == 0) {
      ++killed_;
      caf::anon_send_exit(next.actor, caf::exit_reason::kill);
    }
  };
}

void Stage::advance(std::chrono::milliseconds time) {
  scheduler_.advance_time(time);
  run();
}

}  // namespace nodezero::actors::testing
