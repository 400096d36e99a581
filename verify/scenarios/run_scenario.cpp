// SPDX-License-Identifier: BSD-3-Clause
#include "verify/scenarios/run_scenario.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "verify/scenarios/message_digests.hpp"
#include "verify/scenarios/stand_ins.hpp"

namespace nodezero::verify {

using explore::Delivery;
using explore::Network;
using explore::NodeIndex;

namespace {

constexpr std::int64_t tokens_asked_for = 17;  // a generation of two turns on a lane

std::uint32_t micro_batches_of_a_step(const RunSetup& setup) {
  return setup.micro_batches > 0 ? setup.micro_batches : setup.spheres;
}

std::vector<std::vector<std::uint32_t>> plan(const RunSetup& setup) {
  return {setup.epochs, std::vector<std::uint32_t>(setup.steps, micro_batches_of_a_step(setup))};
}

}  // namespace

/// Sends one request and hears its answer.
template <class Answer, class Handle, class Request>
class RunScenario::probe : public runtime::recorded<caf::event_based_actor> {
 public:
  probe(caf::actor_config& config, RunScenario& scenario, Handle receiver, Request request,
        void (RunScenario::*hear)(const Answer&), const char* what)
      : recorded(config),
        scenario_(scenario),
        receiver_(std::move(receiver)),
        request_(std::move(request)),
        hear_(hear),
        what_(what) {}

  const char* name() const override { return "host"; }

  caf::behavior make_behavior() override {
    this->request(receiver_, std::chrono::seconds(1'000'000'000), std::move(request_))
        .then(
            [this](const Answer& answer) {
              --scenario_.unanswered_;
              (scenario_.*hear_)(answer);
            },
            [this](const caf::error& error) {
              --scenario_.unanswered_;
              scenario_.was_refused(what_, error);
            });
    receiver_ = nullptr;
    return {[](caf::unit_t) {}};
  }

 private:
  RunScenario& scenario_;
  Handle receiver_;
  Request request_;
  void (RunScenario::*hear_)(const Answer&);
  const char* what_;
};

RunScenario::RunScenario(RunSetup setup)
    : setup_(setup),
      ledger_(plan(setup), actors::topology(setup.spheres, setup.symmetry), setup.faulty) {
  settings_.training.model = ledger_.model();
  settings_.training.epochs = setup.epochs;
  settings_.training_batches = ledger_.batches();
  settings_.spheres = setup.spheres;
  settings_.symmetry = setup.symmetry;
  settings_.threads = setup.lanes;
  settings_.routing = actors::RoutingPolicy::round_robin;
  settings_.checkpoint_every = setup.checkpoint_every;
  settings_.evaluate_every = setup.evaluate_every;
  if (setup.evaluate_every > 0) {
    settings_.validation_batches = ledger_.validation_batches();
  }
  settings_.inference = setup.policy;
  if (setup.clients > 0) {  // as a server has it
    settings_.snapshot_every = 1;
    settings_.generate_together = 2;
    settings_.most_versions = setup.versions;
  }
  auto weights = std::make_shared<model::Parameters>(ledger_.layout());
  ledger_.initialize(*weights);
  settings_.initial_weights = std::move(weights);
}

void RunScenario::begin(caf::actor_system& system, Network& network) {
  ledger_.clear();
  failed_ = false;
  generated_ = 0;
  refused_ = 0;
  boundaries_ = 0;
  is_stopping_ = false;
  requests_.clear();
  clients_.clear();
  held_.clear();
  actors_ = actors::spawn_run(
      system, runtime::Scheduling::testing, settings_, nobody_, [&](std::uint32_t) {
        return caf::actor_cast<actors::lane_actor>(system.spawn<stand_in_lane>(ledger_));
      });
  network.settle();
  unanswered_ = 1 + setup_.stops + setup_.inference + setup_.clients;
  system.spawn<probe<actors::run_ended, actors::driver_actor, actors::run_all>>(
      *this, actors_.driver, actors::run_all{}, &RunScenario::run_has_ended, "run_all");
  for (std::uint32_t i = 0; i < setup_.stops; ++i) {
    system.spawn<probe<actors::stopped, actors::lifecycle_actor, actors::stop>>(
        *this, actors_.lifecycle, actors::stop{}, &RunScenario::run_was_stopped, "stop");
  }
  for (std::uint32_t i = 0; i < setup_.inference; ++i) {
    actors::generate request;
    request.prompt = {0};
    request.tokens = tokens_asked_for + i;
    system.spawn<probe<actors::generated, actors::lifecycle_actor, actors::generate>>(
        *this, actors_.lifecycle, std::move(request), &RunScenario::was_generated, "generate");
  }
  for (std::uint32_t i = 0; i < setup_.clients; ++i) {
    clients_.push_back(
        {.ticket = i + 1,
         .tokens = tokens_asked_for,
         .policy = i % 2 == 0 ? actors::InferencePolicy::snapshot : actors::InferencePolicy::wait,
         .leaves = i < setup_.leaving});
  }
  for (auto& each : clients_) {
    system.spawn<client>(actors_.lifecycle, each, static_cast<client::Listener&>(*this));
  }
  network.settle();
  if (setup_.kills) {
    deaths_.begin(network);
  }
}

void RunScenario::end() {
  actors_ = {};
}

bool RunScenario::in_place(const Delivery& delivery) const {
  const auto is_between = [&](const char* name) {
    return std::strcmp(delivery.receiver_name, name) == 0 ||
           std::strcmp(delivery.sender_name, name) == 0;
  };
  return is_between("observer") ||
         (setup_.work_in_place && (is_between("lane") || is_between("lane_scheduler") ||
                                   is_between("corpus") || is_between("checkpointer")));
}

std::uint64_t RunScenario::digest_of(const Delivery& delivery,
                                     const runtime::ActorKeys& keys) const {
  return digest_of_message(delivery, keys);
}

std::uint64_t RunScenario::digest() const {
  runtime::Fingerprint digest;
  digest.add(ledger_.digest()).add(unanswered_).add(failed_).add(generated_).add(refused_);
  for (const auto& [tokens, version] : requests_) {
    digest.add(tokens).add(version.value_or(~0ULL));
  }
  for (const auto& each : clients_) {
    digest.add(each.digest());
  }
  for (const auto& [version, count] : held_) {
    digest.add(version).add(count);
  }
  return digest.add(boundaries_).add(is_stopping_).add(actors_.gradients->leased()).value();
}

void RunScenario::before(const Delivery& delivery) {
  if (const auto* done = delivery.as<actors::epoch_done>()) {
    ledger_.epoch_answered(done->envelope());
  }
  ledger_.note(delivery);
  check_buffers();
  note_held(delivery);
  if (const auto* end = delivery.as<actors::snapshot>()) {
    if (end->epoch_boundary) {
      boundary_heard(end->envelope.version);
    }
  } else if (const auto* request = delivery.as<actors::generate>()) {
    requests_.try_emplace(static_cast<std::size_t>(request->tokens));
  } else if (delivery.as<actors::stop>()) {
    is_stopping_ = true;  // and requests may wait for the end of the run instead
  }
}

void RunScenario::after() {
  if (setup_.kills_again) {
    deaths_.follow();
  }
}

void RunScenario::boundary_heard(std::uint64_t version) {
  ++boundaries_;
  const bool is_last = version == ledger_.steps_before_end_of(setup_.epochs - 1);
  if (is_stopping_ || is_last) {
    return;  // no later version will come, or it may be waited for
  }
  for (auto& [tokens, due] : requests_) {
    due = due.value_or(version);
  }
}

/// Until the run stops, when no version is written any more.
void RunScenario::note_held(const Delivery& delivery) {
  if (const auto* passed = delivery.as<actors::infer>()) {
    ++held_[passed->envelope.version];
    if (setup_.versions > 0 && !is_stopping_ && held_.size() > setup_.versions) {
      ledger_.broken(
          fmt::format("answers hold {} versions, of at most {}", held_.size(), setup_.versions));
    }
  } else if (const auto* done = delivery.as<actors::generated>();
             done && std::strcmp(delivery.receiver_name, "lifecycle") == 0) {
    const auto held = held_.find(done->envelope.version);
    if (held != held_.end() && --held->second == 0) {
      held_.erase(held);
    }
  }
}

bool RunScenario::is_end_of_epoch(std::uint64_t version) const {
  if (version == 0) {
    return true;  // before the first
  }
  for (std::uint64_t epoch = 0; epoch < setup_.epochs; ++epoch) {
    if (version == ledger_.steps_before_end_of(epoch)) {
      return true;
    }
  }
  return false;
}

void RunScenario::client_told(ClientCase& client, const actors::generated_piece& piece) {
  if (auto rule = client.hear(piece); !rule.empty()) {
    ledger_.broken(std::move(rule));
  }
}

void RunScenario::client_answered(ClientCase& client, const actors::generated& answer) {
  --unanswered_;
  if (auto rule = client.hear(answer); !rule.empty()) {
    ledger_.broken(std::move(rule));
  }
  const auto version = answer.envelope.version;
  if (client.policy == actors::InferencePolicy::wait && !is_stopping_ &&
      !is_end_of_epoch(version)) {
    ledger_.broken(
        fmt::format("client {} waits for the end of an epoch and was answered with "
                    "version {}",
                    client.ticket, version));
  }
}

/// A client that left need not be answered, and nobody is once the run is to stop.
void RunScenario::client_refused(ClientCase& client, const caf::error& error) {
  --unanswered_;
  client.is_refused = true;
  const auto reason = actors::to_error(error);
  const bool is_allowed =
      setup_.may_fail || (reason.code == ErrorCode::stopped && (client.leaves || is_stopping_));
  if (!is_allowed) {
    ledger_.broken(fmt::format("client {} was refused: {}", client.ticket, to_string(reason)));
  }
}

/// What a dead sphere had of a step is computed again, whatever room there is.
void RunScenario::check_buffers() {
  const std::size_t most = setup_.lanes + std::bit_width(micro_batches_of_a_step(setup_) - 1) + 2;
  if (!setup_.faulty && actors_.gradients->leased() > most) {
    ledger_.broken(fmt::format("{} gradient buffers are in use at once, of at most {}",
                               actors_.gradients->leased(), most));
  }
}

void RunScenario::check_checkpoint(const model::Checkpoint& checkpoint) {
  if (!checkpoint.weights) {
    ledger_.broken("the run ended without weights");
    return;
  }
  if (checkpoint.progress.step != ledger_.steps_applied()) {
    ledger_.broken(fmt::format("the run ended at step {} after {} updates",
                               checkpoint.progress.step, ledger_.steps_applied()));
  }
  ledger_.check_result(*checkpoint.weights, checkpoint.progress.step);
}

void RunScenario::run_has_ended(const actors::run_ended& end) {
  if (end.reason) {
    failed_ = true;
    if (!setup_.may_fail) {
      ledger_.broken("the run failed though nothing went wrong: " + to_string(*end.reason));
    }
    return;
  }
  if (end.was_stopped && setup_.stops == 0) {
    ledger_.broken("the run says that it was stopped, and nobody did");
  }
  const std::uint64_t steps = ledger_.steps_before_end_of(setup_.epochs - 1);
  if (setup_.stops == 0 && end.checkpoint.progress.step != steps) {
    ledger_.broken(
        fmt::format("the run ended after {} of {} steps", end.checkpoint.progress.step, steps));
  }
  check_checkpoint(end.checkpoint);
}

void RunScenario::run_was_stopped(const actors::stopped& end) {
  check_checkpoint(end.checkpoint);
}

void RunScenario::was_generated(const actors::generated& answer) {
  ++generated_;
  const auto version = static_cast<std::int32_t>(answer.envelope.version);
  const bool is_one_version =
      std::ranges::all_of(answer.tokens, [&](std::int32_t token) { return token == version; });
  const auto request = requests_.extract(answer.tokens.size());
  if (!is_one_version || !request) {
    ledger_.broken("a generation is not whole, or not of one version");
  } else if (request.mapped() && answer.envelope.version > *request.mapped()) {
    ledger_.broken(
        fmt::format("a request that waited at the end of an epoch, with version {}, was answered "
                    "with version {}",
                    *request.mapped(), answer.envelope.version));
  }
}

void RunScenario::was_refused(const char* request, const caf::error& error) {
  ++refused_;
  const auto reason = actors::to_error(error);
  // A refusal has a reason that was given to the run from outside.
  const bool is_allowed =
      setup_.may_fail || (std::strcmp(request, "generate") == 0 && reason.code == ErrorCode::busy &&
                          setup_.policy == actors::InferencePolicy::refuse);
  if (!is_allowed) {
    ledger_.broken(fmt::format("{} was refused: {}", request, to_string(reason)));
  }
}

std::string RunScenario::verdict() const {
  if (actors_.gradients->leased() > 0) {
    return fmt::format("{} gradient buffers were not given back", actors_.gradients->leased());
  }
  if (boundaries_ < ledger_.epochs_answered()) {
    return fmt::format("the lifecycle heard of the end of {} of {} epochs", boundaries_,
                       ledger_.epochs_answered());
  }
  for (const auto& each : clients_) {
    if (auto rule = each.verdict(); !rule.empty()) {
      return rule;
    }
  }
  return {};
}

}  // namespace nodezero::verify
