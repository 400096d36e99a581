// SPDX-License-Identifier: BSD-3-Clause
#include "verify/explore/run.hpp"

#include <algorithm>

namespace nodezero::verify::explore {
namespace {

// Timeouts in a row that may come while nothing else happens, before a run counts as stuck.
constexpr std::uint32_t most_idle_timers = 64;

// Actors of a run that counts as one that never ends: choices have no numbers for many more.
constexpr NodeIndex most_actors = outside - 256;

}  // namespace

Run::Run(caf::actor_system& system, Scenario& scenario, Faults faults)
    : system_(system), scenario_(scenario), faults_(faults), network_(system) {
  network_.in_place = [this](const Delivery& delivery) { return scenario_.in_place(delivery); };
  network_.with_next = [this](const Delivery& delivery) { return scenario_.with_next(delivery); };
  network_.judge = [this](const Delivery& delivery) { scenario_.before(delivery); };
  network_.digest_of = [this](const Delivery& delivery) {
    return scenario_.digest_of(delivery, network_);
  };
}

Run::~Run() {
  scenario_.end();
}

void Run::restart() {
  scenario_.end();
  network_.begin();
  violation_.clear();
  broken_at_end_ = false;
  faults_used_ = 0;
  idle_timers_ = 0;
  steps_ = 0;
  is_cut_ = false;
  scenario_.begin(system_, network_);
  network_.settle();
  violation_ = scenario_.violation();
  look_around();
}

void Run::look_around() {
  find_choices();
  if (at_end() && violation_.empty() && !is_cut_) {
    judge_end();
  }
  if (!violation_.empty()) {
    choices_.clear();
  }
}

void Run::find_choices() {
  choices_.clear();
  const bool idle = network_.mandatory() == 0;
  const bool has_timer = idle && faults_.time_passes && network_.has_timer();
  const bool time_is_up = has_timer && network_.next_timeout() > most_time;
  at_end_ = idle && scenario_.finished() && (!has_timer || time_is_up);
  if (faults_.time_passes && violation_.empty() && (steps_ >= most_steps || time_is_up)) {
    ++cuts_;
    is_cut_ = at_end_ = true;
    return;
  }
  if (!violation_.empty() || (idle && !at_end_ && !has_timer && faults_used_ == 0)) {
    return;  // broken, or stuck without anything having gone wrong
  }
  for (const auto& link : network_.choices()) {
    if (faults_left() > 0 || !network_.is_optional(link)) {
      choices_.push_back(link);
    }
    if (faults_left() > 0 && !network_.is_optional(link)) {
      add_faults(link);
    }
  }
  add_timers(idle);
  if (faults_left() > 0 && faults_.deaths) {
    for (NodeIndex node = 1; node <= network_.actors(); ++node) {
      if (network_.is_alive(node) && network_.actor(node) && scenario_.may_die(node)) {
        choices_.push_back({0, node, false, Choice::Action::kill});
      }
    }
  }
}

void Run::add_faults(const Choice& link) {
  const auto add = [&](Choice::Action action) {
    choices_.push_back({link.sender, link.receiver, link.urgent, action});
  };
  if (link.action == Choice::Action::deliver_late) {
    return;
  }
  if (faults_.duplicates && scenario_.may_come_twice(network_.next(link))) {
    add(Choice::Action::duplicate);
  }
  if (faults_.losses) {
    add(Choice::Action::lose);
  }
  if (faults_.delays) {
    add(Choice::Action::postpone);
  }
}

void Run::add_timers(bool idle) {
  const bool faulty = faults_left() > 0;
  if (at_end_ || !network_.has_timer()) {
    return;
  }
  // Time passes when nothing else happens; a run in which nothing went wrong needs none.
  const bool waits = idle && faults_used_ > 0 && idle_timers_ < most_idle_timers;
  if (!faults_.time_passes) {
    if (waits || (faulty && faults_.timers)) {
      choices_.push_back({0, 0, false, Choice::Action::timer});
    }
    return;
  }
  if (idle) {
    choices_.push_back({0, 0, false, Choice::Action::timer});
  }
  if (faulty && (idle ? faults_.late_timers : faults_.timers)) {
    for (const auto& timer : network_.timers()) {
      if (timer.actor != 0 && (idle ? !timer.is_next : timer.nth == 0)) {
        choices_.push_back({timer.nth, timer.actor, false, Choice::Action::timer});
      }
    }
  }
}

bool Run::is_possible(const Choice& choice) const {
  return std::ranges::find(choices_, choice) != choices_.end();
}

void Run::take(Choice choice) {
  ++steps_;
  const bool idle = network_.mandatory() == 0;
  if (choice.action == Choice::Action::timer && idle && choice.receiver == 0) {
    ++idle_timers_;
  } else if (!choice.is_delivery() || network_.is_optional(choice)) {
    ++faults_used_;
  }
  network_.take(choice);
  scenario_.after();
  violation_ = scenario_.violation();
  if (violation_.empty() && network_.actors() >= most_actors) {
    violation_ = "the run spawns actors without end";
  } else if (violation_.empty() && steps_ >= most_steps && !faults_.time_passes) {
    violation_ = "the run does not end";
  }
  look_around();
}

void Run::judge_end() {
  if (!scenario_.finished()) {
    violation_ = faults_used_ == 0 ? "nothing is in flight and the run has not ended"
                                   : "no timeout brings the run to its end";
    broken_at_end_ = true;
    return;
  }
  violation_ = scenario_.verdict();
  broken_at_end_ = !violation_.empty();
}

std::uint64_t Run::fingerprint() {
  return Fingerprint()
      .add(network_.fingerprint())
      .add(scenario_.digest())
      .add(faults_used_)
      .add(faults_.time_passes ? network_.clock_digest() : idle_timers_)
      .value();
}

}  // namespace nodezero::verify::explore
