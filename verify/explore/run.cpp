// SPDX-License-Identifier: BSD-3-Clause
#include "verify/explore/run.hpp"

#include <algorithm>

namespace nodezero::explore {
namespace {

// Timeouts in a row that may come while nothing else happens, before a run counts as stuck.
constexpr std::uint32_t most_idle_timers = 64;

}  // namespace

Run::Run(caf::actor_system& system, Scenario& scenario, Faults faults)
    : system_(system), scenario_(scenario), faults_(faults), network_(system) {
  network_.in_place = [this](const Delivery& delivery) { return scenario_.in_place(delivery); };
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
  scenario_.begin(system_, network_);
  network_.settle();
  violation_ = scenario_.violation();
  look_around();
}

void Run::look_around() {
  find_choices();
  if (at_end() && violation_.empty()) {
    judge_end();
  }
  if (!violation_.empty()) {
    choices_.clear();
  }
}

void Run::find_choices() {
  choices_.clear();
  const bool idle = network_.mandatory() == 0;
  at_end_ = idle && scenario_.finished();
  if (!violation_.empty() || (idle && !at_end_ && faults_used_ == 0)) {
    return;  // broken, or stuck without anything having gone wrong
  }
  const bool faulty = faults_left() > 0;
  for (const auto& link : network_.choices()) {
    if (faulty || !network_.is_optional(link)) {
      choices_.push_back(link);
    }
    if (faulty && faults_.duplicates && !network_.is_optional(link)) {
      choices_.push_back({link.sender, link.receiver, link.urgent, Choice::Action::duplicate});
    }
  }
  // Time passes when nothing else happens; a run in which nothing went wrong needs none.
  const bool waits = idle && faults_used_ > 0 && idle_timers_ < most_idle_timers;
  if (!at_end_ && network_.has_timer() && (waits || (faulty && faults_.timers))) {
    choices_.push_back({0, 0, false, Choice::Action::timer});
  }
}

bool Run::is_possible(const Choice& choice) const {
  return std::ranges::find(choices_, choice) != choices_.end();
}

void Run::take(Choice choice) {
  ++steps_;
  const bool idle = network_.mandatory() == 0;
  if (choice.action == Choice::Action::timer && idle) {
    ++idle_timers_;
  } else if (choice.action != Choice::Action::deliver || network_.is_optional(choice)) {
    ++faults_used_;
  }
  network_.take(choice);
  scenario_.after();
  violation_ = scenario_.violation();
  if (violation_.empty() && steps_ >= most_steps) {
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
      .add(idle_timers_)
      .value();
}

}  // namespace nodezero::explore
