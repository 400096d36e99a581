// SPDX-License-Identifier: BSD-3-Clause
#include "actors/hosts/coordinator.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include <fmt/format.h>

#include "actors/hosts/exchange.hpp"
#include "runtime/own_threads.hpp"

namespace nodezero::actors {
namespace {

constexpr std::uint32_t root_machine = 0;

}  // namespace

coordinator::coordinator(caf::actor_config& config, CoordinatorSettings settings)
    : recorded(config), settings_(std::move(settings)) {
  progress_ = settings_.progress;
  gradients_ = std::make_shared<GradientPool>(settings_.trained->layout());
  speeds_.add(root_machine, settings_.spheres->lane_count);
}

coordinator::behavior_type coordinator::make_behavior() {
  // A reason of ours could not cross to another process.
  set_exception_handler([](pointer, std::exception_ptr&) -> caf::error {
    return caf::exit_reason::unhandled_exception;
  });
  exchange_ =
      spawn<exchange>(ExchangeSettings{.machine = root_machine,
                                       .root = caf::actor_cast<coordinator_actor>(this),
                                       .coordinator = runtime::Peer::of(this),
                                       .spheres = settings_.spheres,
                                       .layout = settings_.trained->layout(),
                                       .additions = model::GradientSums(settings_.told.training),
                                       .trained = nullptr,
                                       .optimizer = {},
                                       .here = {settings_.run, 0, 0, 0},
                                       .weights = {},
                                       .progress = {}});
  runtime::give_worker(system(), caf::actor_cast<caf::strong_actor_ptr>(exchange_));
  monitor(exchange_);
  set_down_handler([this](const caf::down_msg& down) { host_down(down); });
  return {
      [this](const gradient& message) { send(parent_, message); },
      [this](const report& message) { send(parent_, message); },
      [this](const step_failed& message) { send(parent_, message); },
      [this](const assign& message) { begin(message); },
      [this](const abandon& message) {
        send(exchange_, message);
        give_up();
      },
      [this](const summed& message) { take_sum(message); },
      [this](const end_hosts& message) { return end(message); },
      [this](const send_hosts_back& message) { send_back(message); },
      [this](const waiting_tick&) { say_who_is_missing(); },
      [this](const backup_tick&) { back_up(); },
      [this](const wire::join& message) { take_join(message); },
      [this](const wire::ready& message) { take_ready(message); },
      [this](const wire::leaving& message) {
        for (auto& host : hosts_) {
          host.is_leaving = host.is_leaving || host.machine == message.machine;
        }
      },
      [this](const wire::finished& message) { take_finished(message); },
      [this](const wire::gathered& message) { take_gathered(message); },
      [this](const count_finished&) { return count_finished_everywhere(); },
      [this](const wire::progress& message) {
        if (message.machine == root_machine ||
            std::ranges::find(hosts_, message.machine, &Host::machine) != hosts_.end()) {
          events_there_[message.machine] = message.events;
        }
      },
      [this](const wire::failed& message) { take_failed(message); },
      [this](const wire::unreachable& message) { take_unreachable(message); },
      [this](const wire::credit& message) { take_credit(message.blocks); },
  };
}

void coordinator::on_exit() {
  if (exchange_) {
    send_exit(exchange_, caf::exit_reason::user_shutdown);
  }
  exchange_ = nullptr;
  parent_ = nullptr;
  hosts_.clear();
  open_.reset();
  ending_ = {};
}

// -- one step --------------------------------------------------------------------------------

void coordinator::begin(const assign& message) {
  parent_ = caf::actor_cast<parent_actor>(current_sender());
  if (message.purpose == Purpose::evaluate) {
    send(exchange_, message);
    return;
  }
  open_.emplace(OpenStep{});  // clang wants it so
  open_->step = message;
  go_on();
}

/// Plans the open step, if nothing has to be waited for.
void coordinator::go_on() {
  if (!open_ || open_->term > 0) {
    return;
  }
  has_begun_ = has_begun_ ||
               count(Standing::ready) + count(Standing::admitted) + count(Standing::receiving) >=
                   settings_.wanted;
  if (!has_begun_) {
    if (!std::exchange(is_waiting_, true)) {
      waits_until_ = std::chrono::steady_clock::now() + settings_.wait;
      delayed_send(this, std::chrono::seconds(0), waiting_tick{});
    }
    return;
  }
  if (count(Standing::admitted) > 0 && !is_asking_for_state_) {
    is_asking_for_state_ = true;
    // It is idle while a step is computed, and confirms the version that there is.
    request(settings_.optimizer, settings_.spheres->stall_timeout,
            apply{open_->step.envelope, {}, 0, false, true, {}})
        .then([this](const optimizer_complete& proof) { send_states(proof); },
              [this](const caf::error& error) {
                is_asking_for_state_ = false;
                step_lost(to_string(to_error(error)), nullptr);
              });
  }
  if (!is_asking_for_state_ && !waits_for_joiner()) {
    plan_step();
  }
}

/// The first step waits for all who are here. Later ones go on without those that get the state,
/// but for one that has nearly caught up, or will not without a pause.
bool coordinator::waits_for_joiner() const {
  constexpr std::uint32_t most_missed = 4;
  return std::ranges::any_of(hosts_, [this](const Host& host) {
    if (host.standing == Standing::admitted || host.is_up_to_date()) {
      return false;
    }
    const bool is_near = host.standing == Standing::ready && host.steps_missed <= 1;
    return !has_planned_ || is_near || host.steps_missed >= most_missed;
  });
}

void coordinator::plan_step() {
  has_planned_ = true;
  OpenStep& open = *open_;
  open.since = clock().now();
  open.members.push_back({root_machine, runtime::Peer::of(exchange_)});
  for (const auto& host : hosts_) {
    if (host.is_up_to_date() && !host.is_leaving) {
      open.members.push_back({host.machine, host.exchange});
    }
  }
  std::vector<std::uint32_t> machines;
  for (const auto& member : open.members) {
    machines.push_back(member.machine);
  }
  const auto& shares =
      shares_.plan(open.positions(), machines, speeds_of(open.members), cost_.fraction());
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (shares[i].size() > 0) {
      open.members[i].ranges.push_back(shares[i]);
    }
  }
  plan_audit();
  send(exchange_, use_weights{open.step.envelope, open.step.weights});
  open.step.weights.reset();
  send_plan();
  for (const auto& member : open.members) {
    send_work(member, member.ranges);
    if (member.audits && std::ranges::none_of(member.ranges, [&](const PositionRange& range) {
          return range.first == *open.audited;
        })) {
      send_work(member, {{*open.audited, *open.audited + 1}});
    }
  }
  tell_status();
}

void coordinator::send_plan() {
  OpenStep& open = *open_;
  open.term = ++last_term_;
  open.first_term = open.first_term == 0 ? open.term : open.first_term;
  open.slow_from.reset();
  wire::plan plan{open.step.envelope.epoch,
                  open.step.envelope.step,
                  open.step.envelope.version,
                  open.term,
                  open.positions(),
                  {},
                  {},
                  {}};
  for (auto& member : open.members) {
    member.has_gathered = false;
    member.finding.reset();
    member.nodes.clear();
    plan.members.push_back({member.machine, member.exchange.pointer()});
  }
  for (const auto& member : open.members) {
    plan.mine.clear();
    for (const auto& range : member.ranges) {
      plan.mine.push_back({range.first, range.last});
    }
    plan.audited.clear();
    if (member.audits) {
      plan.audited.push_back(*open.audited);
    }
    member.exchange.send(*this, plan);
  }
}

void coordinator::send_work(const Member& member, const std::vector<PositionRange>& ranges) {
  const auto& batches = open_->step.batches;
  try {
    for (const auto& range : ranges) {
      for (auto position = range.first; position < range.last; ++position) {
        // Shared with the step's batches until it has crossed.
        std::shared_ptr<const model::MicroBatch> batch(batches, &batches->at(position));
        if (member.machine != root_machine) {
          batch = settings_.trained->encoded(std::move(batch));
        }
        member.exchange.send(*this,
                             wire::work{open_->step.envelope.step, position, {std::move(batch)}});
      }
    }
  } catch (const std::exception& error) {  // of a host's model
    step_lost(std::string("a batch could not be encoded: ") + error.what(), nullptr);
  }
}

/// The others compute what a lost machine had, and keep what they have.
void coordinator::plan_again(std::uint32_t lost) {
  auto& members = open_->members;
  const auto found = std::ranges::find(members, lost, &Member::machine);
  if (found == members.end()) {
    return;
  }
  const auto ranges = std::move(found->ranges);
  members.erase(found);
  const auto speeds = speeds_of(members);
  std::vector<std::vector<PositionRange>> more(members.size());
  for (const auto& range : ranges) {
    const auto shares = contiguous_shares(range, speeds);
    for (std::size_t i = 0; i < shares.size(); ++i) {
      if (shares[i].size() > 0) {
        more[i].push_back(shares[i]);
        members[i].ranges.push_back(shares[i]);
      }
    }
  }
  send_plan();
  for (std::size_t i = 0; i < members.size(); ++i) {
    send_work(members[i], more[i]);
  }
}

void coordinator::take_gathered(const wire::gathered& message) {
  if (!open_ || message.term != open_->term || open_->committed) {
    return;
  }
  Member* const member = sender_in_step();
  if (member == nullptr || member->has_gathered) {
    return;
  }
  member->has_gathered = true;
  member->weights_hash = message.weights_hash;
  member->sum_hash = message.sum_hash;
  measure(message);
  for (const auto& finding : message.findings) {
    if (finding.position == open_->audited) {
      member->finding = finding.hash;
    }
  }
  for (const auto& node : message.nodes) {
    member->nodes.push_back(
        {{node.first, node.last}, {std::bit_cast<double>(node.loss_bits), node.valid_tokens}});
  }
  if (std::ranges::all_of(open_->members, &Member::has_gathered) && !put_out_those_that_differ() &&
      !put_out_the_outvoted()) {
    commit();
  }
}

void coordinator::commit() {
  OpenStep& open = *open_;
  std::vector<LossOfNode> nodes;
  for (const auto& each : open.members) {
    nodes.insert(nodes.end(), each.nodes.begin(), each.nodes.end());
  }
  open.committed = loss_of_step(PositionTree(open.positions()), nodes);
  if (!open.committed) {
    step_lost("the machines' sums are not of the step's micro-batches, each once", nullptr);
    return;
  }
  count_step(open.step.envelope, *open.committed);
  for (const auto& each : open.members) {
    each.exchange.send(*this,
                       wire::commit{open.term, open.committed->valid_tokens, encode(progress_)});
  }
  for (auto& host : hosts_) {
    if (std::ranges::find(open.members, host.machine, &Member::machine) != open.members.end()) {
      host.steps = open.step.envelope.step + 1;
    }
  }
  if (open.members.size() > 1) {
    const std::chrono::duration<double> step = clock().now() - open.since;
    cost_.take(step.count(), open.waited_seconds.value_or(0), static_cast<double>(open.bytes_sent));
    say_if_links_are_slow();
  }
}

/// As node_zero counts it, once it knows that the sum was applied.
void coordinator::count_step(const Envelope& envelope, const model::LossSum& loss) {
  if (envelope.epoch != progress_.epoch) {
    progress_.epoch = envelope.epoch;
    progress_.step_in_epoch = 0;
    progress_.epoch_negative_log_likelihood = 0;
    progress_.epoch_tokens = 0;
  }
  progress_.epoch_negative_log_likelihood += loss.negative_log_likelihood;
  progress_.epoch_tokens += static_cast<std::uint64_t>(loss.valid_tokens);
  ++progress_.step_in_epoch;
  progress_.step = envelope.step + 1;
  progress_.version = envelope.version + 1;
}

void coordinator::take_sum(const summed& message) {
  if (!open_ || message.term != open_->term || !open_->committed) {
    return;
  }
  const auto open = *std::exchange(open_, std::nullopt);
  Partial partial = message.partial.take();
  partial.loss = *open.committed;
  send_missed(partial, open.committed->valid_tokens);
  const PositionRange range = partial.range;
  const auto& step = open.step;
  const auto busy = std::ranges::count_if(
      open.members, [](const Member& member) { return positions_in(member.ranges) > 0; });
  const report closed{step.envelope,  step.purpose, 0,
                      step.positions, partial.loss, static_cast<std::uint32_t>(busy)};
  send(parent_, gradient{step.envelope, step.purpose, 0, range, Moved(std::move(partial))});
  send(parent_, closed);
}

void coordinator::give_up() {
  if (open_ && open_->term > 0) {
    for (const auto& member : open_->members) {
      member.exchange.send(*this, wire::give_up{open_->term});
    }
  }
  open_.reset();
}

/// Of an earlier step it comes too late; and a machine that fails after the commit leaves.
void coordinator::take_failed(const wire::failed& message) {
  Member* const member = sender_in_step();
  const bool is_late = open_ && message.term != 0 && message.term < open_->first_term;
  if (member != nullptr && !is_late && !open_->committed) {
    step_lost(message.reason, member);
  }
}

void coordinator::step_lost(const std::string& reason, Member* member) {
  if (!open_) {
    return;
  }
  const auto host =
      member == nullptr ? hosts_.end() : std::ranges::find(hosts_, member->machine, &Host::machine);
  const std::string where = host == hosts_.end() ? "" : fmt::format("host {}: ", host->name);
  const auto& step = open_->step;
  send(parent_,
       step_failed{
           step.envelope, step.purpose, {ErrorCode::failed, where + reason, at(step.envelope)}});
}

// --------------------------------------------------------------------------------------------

coordinator::Member* coordinator::sender_in_step() {
  if (open_) {
    for (auto& member : open_->members) {
      if (member.exchange.pointer() == current_sender()) {
        return &member;
      }
    }
  }
  return nullptr;
}

std::uint32_t coordinator::count(Standing standing) const {
  return static_cast<std::uint32_t>(std::ranges::count(hosts_, standing, &Host::standing));
}

std::string coordinator::standing_of_run() const {
  return open_ ? fmt::format(" at step {}", open_->step.envelope.step + 1) : "";
}

void coordinator::notice(std::string text) {
  send(settings_.observer, telemetry_notice{{std::move(text)}});
}

}  // namespace nodezero::actors
