// SPDX-License-Identifier: BSD-3-Clause
#include "verify/scenarios/host_scenario.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "verify/scenarios/message_digests.hpp"
#include "verify/scenarios/stand_ins.hpp"

namespace nodezero::verify {

using explore::Delivery;
using explore::Network;

namespace {

std::vector<std::vector<std::uint32_t>> plan(const HostSetup& setup) {
  const std::uint32_t n = setup.micro_batches > 0 ? setup.micro_batches : setup.spheres;
  return {setup.epochs, std::vector<std::uint32_t>(setup.steps, n)};
}

}  // namespace

/// A call that has not returned. It also returns when nobody is left who could answer.
template <class Answer>
class HostScenario::Call {
 public:
  Call(HostScenario& scenario, char name) : scenario_(scenario), name_(name) {}
  ~Call() {
    if (!has_returned_ && !scenario_.is_over_) {
      settle(fail(ErrorCode::closed, "nobody is left to answer"));
    }
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  void settle(const Result<Answer>& answer) {
    if (std::exchange(has_returned_, true)) {
      scenario_.ledger_.broken(fmt::format("call {} returned twice", name_));
    } else {
      scenario_.returned(name_, answer);
    }
  }

 private:
  HostScenario& scenario_;
  const char name_;
  bool has_returned_ = false;
};

/// A thread of the host that submits a batch.
class HostScenario::submitter : public runtime::recorded<caf::event_based_actor> {
 public:
  submitter(caf::actor_config& config, HostScenario& scenario)
      : recorded(config), scenario_(scenario) {}
  const char* name() const override { return "host"; }
  caf::behavior make_behavior() override {
    return {[this](caf::unit_t) {
      ++scenario_.submitted_;
      scenario_.queue_->push_when_room(AnyValue::of(0), scenario_.call<void>('b'));
    }};
  }

 private:
  HostScenario& scenario_;
};

HostScenario::HostScenario(HostSetup setup)
    : setup_(std::move(setup)),
      // Steps are done again after a save, so that spheres report twice.
      ledger_(plan(setup_), actors::topology(setup_.spheres, setup_.symmetry), true) {
  if (setup_.calls.find_first_not_of("psrbwc") != std::string::npos) {
    throw std::invalid_argument("calls are letters of 'psrbwc', not '" + setup_.calls + "'");
  }
  settings_.training.model = ledger_.model();
  settings_.training.steps = all_steps();
  settings_.training.epochs = actors::unlimited_epochs;
  settings_.training.micro_batches = plan(setup_).front().front();
  settings_.training_batches = ledger_.batches();
  settings_.spheres = setup_.spheres;
  settings_.symmetry = setup_.symmetry;
  settings_.threads = setup_.lanes;
  settings_.routing = actors::RoutingPolicy::round_robin;
  auto weights = std::make_shared<model::Parameters>(ledger_.layout());
  ledger_.initialize(*weights);
  first_.weights = weights;
  first_.optimizer = std::make_shared<model::OptimizerState>(ledger_.layout());
  settings_.initial_weights = std::move(weights);
}

void HostScenario::begin(caf::actor_system& system, Network& network) {
  ledger_.clear();
  unanswered_.clear();
  submitted_ = 0;
  is_asked_at_end_ = false;
  is_closing_ = false;
  network_ = &network;
  is_over_ = false;
  const auto n = settings_.training.micro_batches;
  TrainerOptions options;
  options.micro_batches = n;
  queue_ = std::make_shared<actors::BatchQueue>(n, WhenFull::wait, true);
  board_ = std::make_shared<actors::HostBoard>(options, queue_);
  settings_.submitted = queue_;
  auto workers = actors::spawn_workers(
      system, runtime::Scheduling::testing, settings_, *board_, [&](std::uint32_t) {
        return caf::actor_cast<actors::lane_actor>(system.spawn<stand_in_lane>(ledger_));
      });
  keeper_ = caf::actor_cast<caf::strong_actor_ptr>(
      actors::spawn_keeper(system, {nullptr, board_, settings_}, std::move(workers)));
  const auto host = caf::actor_cast<caf::strong_actor_ptr>(system.spawn<submitter>(*this));
  network.settle();
  const auto withheld = static_cast<std::uint64_t>(std::ranges::count(setup_.calls, 'w'));
  submit_all(n * all_steps() - std::min(n * all_steps(), withheld));
  network.settle();
  for (const char name : setup_.calls) {
    switch (name) {
      case 'p':
        inject(network, actors::ask_weights{AnyValue::of(0), call<Prediction<AnyValue>>(name)});
        break;
      case 's':
        inject(network, actors::save_run{call<model::Checkpoint>(name)});
        break;
      case 'r':
        inject(network, actors::restore_run{first_, call<void>(name)});
        break;
      case 'c':
        inject(network, actors::close_run{call<void>(name)});
        break;
      case 'w':
        break;
      default:
        network.inject(host, caf::make_message_id(), caf::make_message(caf::unit), false);
    }
  }
}

template <class Message>
void HostScenario::inject(Network& network, Message message) const {
  network.inject(keeper_, caf::make_message_id(), caf::make_message(std::move(message)), false);
}

template <class Answer>
actors::Settle<Answer> HostScenario::call(char name) {
  unanswered_.insert(name);
  return [call = std::make_shared<Call<Answer>>(*this, name)](const Result<Answer>& answer) {
    call->settle(answer);
  };
}

void HostScenario::submit_all(std::uint64_t batches) {
  submitted_ += batches;
  for (; batches > 0; --batches) {
    queue_->push_when_room(AnyValue::of(0), [](const Result<void>&) {});
  }
}

void HostScenario::end() {
  is_over_ = true;
  keeper_ = nullptr;
  queue_.reset();
  board_.reset();
  settings_.submitted.reset();
}

bool HostScenario::in_place(const Delivery& delivery) const {
  const auto is_between = [&](const char* name) {
    return std::strcmp(delivery.receiver_name, name) == 0 ||
           std::strcmp(delivery.sender_name, name) == 0;
  };
  return is_between("observer") ||
         (setup_.work_in_place &&
          (is_between("lane") || is_between("lane_scheduler") || is_between("checkpointer")));
}

/// The queue: the host fills it, the feed takes from it, and the keeper ends it.
bool HostScenario::shares(const char* actor) const {
  return std::strcmp(actor, "host") == 0 || std::strcmp(actor, "corpus") == 0 ||
         std::strcmp(actor, "keeper") == 0;
}

std::uint64_t HostScenario::digest_of(const Delivery& delivery,
                                      const runtime::ActorKeys& keys) const {
  return digest_of_message(delivery, keys);
}

std::uint64_t HostScenario::digest() const {
  const Status status = board_->status();
  runtime::Fingerprint digest;
  digest.add(ledger_.digest())
      .add(submitted_)
      .add(is_asked_at_end_)
      .add(is_closing_)
      .add(queue_->state_digest());
  digest.add(static_cast<std::uint64_t>(status.progress)).add(status.steps);
  for (const char name : unanswered_) {
    digest.add(static_cast<std::uint64_t>(name));
  }
  return digest.value();
}

void HostScenario::before(const Delivery& delivery) {
  if (const auto* done = delivery.as<actors::epoch_done>()) {
    ledger_.epoch_answered(done->envelope());
  } else if (delivery.as<actors::close_run>()) {
    is_closing_ = true;
  } else if (delivery.as<actors::ask_weights>()) {
    // Unless another question or a restore may come in between.
    is_asked_at_end_ = board_->status().progress == Progress::finished &&
                       std::ranges::count(setup_.calls, 'p') == 1 &&
                       setup_.calls.find('r') == std::string::npos;
  }
  ledger_.note(delivery);
}

// -- what calls return ---------------------------------------------------------------------------

void HostScenario::returned(char name, const Result<Prediction<AnyValue>>& answer) {
  if (!answer) {
    refused(name, answer.error());
    return;
  }
  unanswered_.erase(unanswered_.find(name));
  if (!answer->output.holds(typeid(std::uint64_t)) ||
      *static_cast<const std::uint64_t*>(answer->output.value.get()) != answer->version) {
    ledger_.broken("a prediction is not of the version that it names");
  } else if (is_asked_at_end_ && answer->version != all_steps()) {
    ledger_.broken("a prediction after the end is not of the last version");
  }
}

void HostScenario::returned(char name, const Result<model::Checkpoint>& answer) {
  if (!answer) {
    refused(name, answer.error());
    return;
  }
  unanswered_.erase(unanswered_.find(name));
  if (answer->progress.step != ledger_.steps_applied()) {
    ledger_.broken(fmt::format("a state of step {} was saved after {} updates",
                               answer->progress.step, ledger_.steps_applied()));
  }
  ledger_.check_result(*answer->weights, answer->progress.step);
}

void HostScenario::returned(char name, const Result<void>& answer) {
  if (!answer) {
    refused(name, answer.error());
    return;
  }
  unanswered_.erase(unanswered_.find(name));
  if (name == 'r') {
    ledger_.go_back_to_start();
    submitted_ = 0;
    submit_all(settings_.training.micro_batches * all_steps());
  } else if (name == 'c') {
    check_that_nothing_computes();
  }
}

void HostScenario::check_that_nothing_computes() {
  for (explore::NodeIndex node = 1; node <= network_->actors(); ++node) {
    if (std::strcmp(network_->name(node), "lane") == 0 && network_->is_alive(node)) {
      ledger_.broken("a close returned while a lane could compute");
    }
  }
}

void HostScenario::refused(char name, const Error& reason) {
  unanswered_.erase(unanswered_.find(name));
  const bool has_no_room = name == 'b' && reason.code == ErrorCode::queue_full &&
                           board_->status().progress != Progress::working;
  if (!(is_closing_ && reason.code == ErrorCode::closed) && !has_no_room) {
    ledger_.broken(fmt::format("call {} was refused: {}", name, to_string(reason)));
  }
}

std::string HostScenario::verdict() const {
  const Status status = board_->status();
  const bool is_complete = submitted_ >= settings_.training.micro_batches * all_steps();
  if (!is_closing_ && is_complete && status.progress != Progress::finished) {
    return fmt::format("training stands still after {} of {} steps", status.steps, all_steps());
  }
  if (status.progress == Progress::finished && ledger_.steps_applied() != all_steps()) {
    return fmt::format("training is finished after {} of {} steps", ledger_.steps_applied(),
                       all_steps());
  }
  return {};
}

}  // namespace nodezero::verify
