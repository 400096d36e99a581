// SPDX-License-Identifier: BSD-3-Clause
#include "actors/hosts/coordinator.hpp"

#include <algorithm>
#include <bit>
#include <cctype>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "actors/hosts/exchange.hpp"
#include "runtime/own_threads.hpp"

namespace nodezero::actors {
namespace {

constexpr std::uint32_t root_machine = 0;

std::uint32_t size_of(const std::vector<PositionRange>& ranges) {
  return std::accumulate(ranges.begin(), ranges.end(), 0U,
                         [](std::uint32_t sum, const auto& range) { return sum + range.size(); });
}

/// It is printed.
bool is_name(const std::string& text) {
  constexpr std::size_t most = 64;
  return !text.empty() && text.size() <= most && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
  });
}

}  // namespace

coordinator::coordinator(caf::actor_config& config, CoordinatorSettings settings)
    : recorded(config), settings_(std::move(settings)) {}

coordinator::behavior_type coordinator::make_behavior() {
  // A reason of ours could not cross to another process.
  set_exception_handler([](pointer, std::exception_ptr&) -> caf::error {
    return caf::exit_reason::unhandled_exception;
  });
  exchange_ = spawn<exchange>(ExchangeSettings{.machine = root_machine,
                                               .root = caf::actor_cast<coordinator_actor>(this),
                                               .coordinator = runtime::Peer::of(this),
                                               .spheres = settings_.spheres,
                                               .layout = settings_.layout,
                                               .optimizer = {},
                                               .here = {settings_.run, 0, 0, 0},
                                               .weights = {}});
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
      [this](const waiting_tick&) { say_who_is_missing(); },
      [this](const wire::join& message) { take_join(message); },
      [this](const wire::ready& message) { take_ready(message); },
      [this](const wire::leaving& message) {
        for (auto& host : hosts_) {
          host.is_leaving = host.is_leaving || host.machine == message.machine;
        }
      },
      [this](const wire::gathered& message) { take_gathered(message); },
      [this](const wire::failed& message) {
        if (auto* member = sender_in_step()) {
          step_lost(message.reason, member);
        }
      },
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
  open_.emplace(OpenStep{message, 0, {}, std::nullopt});
  go_on();
}

/// Plans the open step, if nothing has to be waited for: hosts that the run was asked to begin
/// with, and those that are getting the state of this version.
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
        .then([this](const optimizer_complete& proof) { send_state(proof); },
              [this](const caf::error& error) {
                is_asking_for_state_ = false;
                step_lost(to_string(to_error(error)), nullptr);
              });
  }
  if (!is_asking_for_state_ && count(Standing::receiving) == 0) {
    plan_step();
  }
}

void coordinator::plan_step() {
  OpenStep& open = *open_;
  open.members.push_back({root_machine,
                          runtime::Peer::of(exchange_),
                          speed_of(settings_.spheres->lane_count, own_rate_),
                          {},
                          false,
                          0,
                          {}});
  for (const auto& host : hosts_) {
    if (host.standing == Standing::ready && !host.is_leaving) {
      open.members.push_back(
          {host.machine, host.exchange, speed_of(host.lanes, host.rate), {}, false, 0, {}});
    }
  }
  std::vector<double> speeds;
  for (const auto& member : open.members) {
    speeds.push_back(member.speed);
  }
  const auto shares = contiguous_shares({0, open.positions()}, speeds);
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (shares[i].size() > 0) {
      open.members[i].ranges.push_back(shares[i]);
    }
  }
  send(exchange_, use_weights{open.step.envelope, open.step.weights});
  open.step.weights.reset();
  send_plan();
  for (const auto& member : open.members) {
    send_work(member, member.ranges);
  }
  tell_status();
}

void coordinator::send_plan() {
  OpenStep& open = *open_;
  open.term = ++last_term_;
  wire::plan plan{open.step.envelope.epoch,
                  open.step.envelope.step,
                  open.step.envelope.version,
                  open.term,
                  open.positions(),
                  {},
                  {}};
  for (auto& member : open.members) {
    member.has_gathered = false;
    member.nodes.clear();
    plan.members.push_back({member.machine, member.exchange.pointer()});
  }
  for (const auto& member : open.members) {
    plan.mine.clear();
    for (const auto& range : member.ranges) {
      plan.mine.push_back({range.first, range.last});
    }
    member.exchange.send(*this, plan);
  }
}

void coordinator::send_work(const Member& member, const std::vector<PositionRange>& ranges) {
  const auto& batches = open_->step.batches;
  for (const auto& range : ranges) {
    for (auto position = range.first; position < range.last; ++position) {
      // Shared with the step's batches until it has crossed.
      std::shared_ptr<const model::MicroBatch> batch(batches, &batches->at(position));
      member.exchange.send(*this,
                           wire::work{open_->step.envelope.step, position, {std::move(batch)}});
    }
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
  std::vector<double> speeds;
  for (const auto& member : members) {
    speeds.push_back(member.speed);
  }
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
  measure(message);
  for (const auto& node : message.nodes) {
    member->nodes.push_back(
        {{node.first, node.last}, {std::bit_cast<double>(node.loss_bits), node.valid_tokens}});
  }
  auto& members = open_->members;
  if (!std::ranges::all_of(members, &Member::has_gathered) || put_out_those_that_differ()) {
    return;
  }
  std::vector<LossOfNode> nodes;
  for (const auto& each : members) {
    nodes.insert(nodes.end(), each.nodes.begin(), each.nodes.end());
  }
  open_->committed = loss_of_step(PositionTree(open_->positions()), nodes);
  if (!open_->committed) {
    step_lost("the machines' sums are not of the step's micro-batches, each once", nullptr);
    return;
  }
  for (const auto& each : members) {
    each.exchange.send(*this, wire::commit{open_->term, open_->committed->valid_tokens});
  }
}

/// A host whose weights are not the root's has computed with others, so what it gave is worth
/// nothing: the step is planned again without it.
bool coordinator::put_out_those_that_differ() {
  const std::uint64_t expected = open_->members.front().weights_hash;
  const auto other = std::ranges::find_if(
      open_->members, [&](const Member& member) { return member.weights_hash != expected; });
  if (other == open_->members.end()) {
    return false;
  }
  const auto host = std::ranges::find(hosts_, other->machine, &Host::machine);
  const std::string reason = "its weights are not the run's: memory or processor may be faulty";
  host->session.send(*this, wire::refused{reason});
  demonitor(host->session.address());
  lose(host, reason);
  return true;
}

/// Shares follow how fast the machines are; they decide who computes, and never a bit.
void coordinator::measure(const wire::gathered& message) {
  const auto host = std::ranges::find(hosts_, message.machine, &Host::machine);
  Rate& rate = host == hosts_.end() ? own_rate_ : host->rate;
  if (message.computed == 0 || message.microseconds == 0) {
    return;
  }
  const double now = 1e6 * message.computed / static_cast<double>(message.microseconds);
  auto& smoothed = rate.micro_batches_per_second;
  smoothed = smoothed == 0 ? now : 0.8 * smoothed + 0.2 * now;
  if (host == hosts_.end() || own_rate_.micro_batches_per_second == 0) {
    return;
  }
  constexpr double slow = 0.5;
  constexpr std::uint32_t long_enough = 20;
  const double here = own_rate_.micro_batches_per_second / settings_.spheres->lane_count;
  const double share = smoothed / host->lanes / here;
  rate.steps_slow = share < slow ? rate.steps_slow + 1 : 0;
  if (rate.steps_slow == long_enough) {
    notice(
        fmt::format("host {} is slow: a lane there has {:.1f} of the speed of one here, for {} "
                    "steps; it gets as much less to do",
                    host->name, share, long_enough));
  }
}

/// A machine that has not been measured is taken to be as fast a lane as those that have.
double coordinator::speed_of(std::uint32_t lanes, const Rate& rate) const {
  if (rate.micro_batches_per_second > 0) {
    return rate.micro_batches_per_second;
  }
  const double here = own_rate_.micro_batches_per_second;
  return lanes * (here > 0 ? here / settings_.spheres->lane_count : 1.0);
}

void coordinator::tell_status() {
  const auto now = clock().now();
  if (!settings_.on_status || !open_ || now - last_status_ < std::chrono::seconds(1)) {
    return;
  }
  last_status_ = now;
  HostsStatus status{open_->step.envelope.step, open_->term, {}};
  const auto share = [this](std::uint32_t machine) {
    const auto member = std::ranges::find(open_->members, machine, &Member::machine);
    return member == open_->members.end() ? 0 : size_of(member->ranges);
  };
  status.machines.push_back({"root", "", "computes", settings_.spheres->lane_count,
                             own_rate_.micro_batches_per_second, share(root_machine)});
  for (const auto& host : hosts_) {
    const char* const standing = host.standing == Standing::ready       ? "computes"
                                 : host.standing == Standing::receiving ? "gets the state"
                                                                        : "joins";
    status.machines.push_back({host.name, host.address, standing, host.lanes,
                               host.rate.micro_batches_per_second, share(host.machine)});
  }
  settings_.on_status(status);
}

void coordinator::take_sum(const summed& message) {
  if (!open_ || message.term != open_->term || !open_->committed) {
    return;
  }
  const auto open = *std::exchange(open_, std::nullopt);
  Partial partial = message.partial.take();
  partial.loss = *open.committed;
  const PositionRange range = partial.range;
  const auto& step = open.step;
  const auto busy = std::ranges::count_if(
      open.members, [](const Member& member) { return size_of(member.ranges) > 0; });
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

// -- hosts -----------------------------------------------------------------------------------

void coordinator::take_join(const wire::join& message) {
  const runtime::Peer session(message.session);
  const auto refuse = [&](std::string reason) {
    notice(fmt::format("host {} refused: {}", message.name, reason));
    session.send(*this, wire::refused{std::move(reason)});
  };
  if (is_name(message.name) && message.protocol != wire::protocol_digest()) {
    refuse(fmt::format("nodezero {} there, {} here, and they do not speak the same protocol",
                       message.version, settings_.version));
    return;
  }
  if (!is_name(message.name)) {
    session.send(*this,
                 wire::refused{"its name is not of 1 to 64 letters, digits, '.', '-' and '_'"});
    return;
  }
  const auto same = std::ranges::find(hosts_, message.name, &Host::name);
  if (same != hosts_.end() && same->process == message.process) {
    // It knows already that its connection has ended, unless this is the older one's word, which
    // has come late.
    if (same->session.address() != session.address()) {
      same->session.send(*this, wire::dismissed{"it has come again"});
    }
    demonitor(same->session.address());
    lose(same, "it has come again");
  } else if (same != hosts_.end()) {
    refuse(fmt::format("host {} is here already; give this one another name", message.name));
    return;
  }
  if (ending_.pending()) {
    refuse("the run is ending");
    return;
  }
  constexpr std::uint32_t most_lanes = 4'096;
  Host host{++last_machine_,
            message.name,
            message.process,
            message.address,
            std::clamp(message.lanes, 1U, most_lanes),
            Standing::admitted,
            session,
            {},
            {},
            BlockLink(session),
            false};
  monitor(caf::actor_cast<caf::actor>(message.session));
  wire::admitted admitted{settings_.run, host.machine, encode(settings_.told), {}};
  for (const auto& other : hosts_) {
    if (!other.address.empty()) {
      admitted.hosts.push_back(other.address);
    }
  }
  session.send(*this, std::move(admitted));
  notice(fmt::format("host {} joins: {} {}", host.name, host.lanes,
                     host.lanes == 1 ? "lane" : "lanes"));
  hosts_.push_back(std::move(host));
  go_on();
}

void coordinator::send_state(const optimizer_complete& proof) {
  is_asking_for_state_ = false;
  const auto envelope = proof.envelope();
  const auto send_set = [&](Host& host, std::uint32_t set, std::shared_ptr<const float> values,
                            std::size_t size) {
    for (std::size_t begin = 0; begin < size; begin += model::norm_block_size) {
      const std::size_t count = std::min(model::norm_block_size, size - begin);
      host.state.send(
          *this,
          wire::state_block{set,
                            static_cast<std::uint32_t>(begin / model::norm_block_size),
                            {std::shared_ptr<const float>(values, values.get() + begin), count}});
    }
  };
  for (auto& host : hosts_) {
    if (host.standing != Standing::admitted) {
      continue;
    }
    host.standing = Standing::receiving;
    const auto share = [](const auto& owner, const model::TensorSet& set) {
      return std::shared_ptr<const float>(owner, set.values().data());
    };
    const auto& state = proof.state();
    const std::size_t size = proof.weights()->values().size();
    send_set(host, 0, share(proof.weights(), *proof.weights()), size);
    send_set(host, 1, share(state, state->first_moment), size);
    send_set(host, 2, share(state, state->second_moment), size);
    host.state.send(*this,
                    wire::state_end{envelope.epoch, envelope.step, envelope.version, state->step});
  }
  go_on();
}

void coordinator::take_ready(const wire::ready& message) {
  for (auto& host : hosts_) {
    if (host.session.pointer() == current_sender() && host.standing == Standing::receiving) {
      if (message.self_test != settings_.self_test) {
        const std::string reason =
            "its self-test computes other bits: memory or processor may be faulty";
        host.session.send(*this, wire::refused{reason});
        notice(fmt::format("host {} refused: {}", host.name, reason));
        return;
      }
      host.standing = Standing::ready;
      host.exchange = runtime::Peer(message.exchange);
      notice(fmt::format("host {} is ready{}", host.name, standing_of_run()));
      go_on();
      return;
    }
  }
}

void coordinator::take_credit(std::uint32_t blocks) {
  for (auto& host : hosts_) {
    if (host.session.pointer() == current_sender()) {
      host.state.credit(*this, blocks);
      return;
    }
  }
}

/// Two hosts that are both well cannot go on together: the younger one has to come back another
/// way. If one of them is gone, that will be heard of, or was.
void coordinator::take_unreachable(const wire::unreachable& message) {
  const auto younger =
      std::ranges::find(hosts_, std::max(message.machine, message.other), &Host::machine);
  const auto older =
      std::ranges::find(hosts_, std::min(message.machine, message.other), &Host::machine);
  if (younger != hosts_.end() && older != hosts_.end()) {
    const std::string reason = fmt::format("host {} cannot reach it", older->name);
    younger->session.send(*this, wire::dismissed{reason});
    demonitor(younger->session.address());
    lose(younger, reason);
  }
}

void coordinator::host_down(const caf::down_msg& down) {
  if (down.source == exchange_.address()) {
    quit(caf::exit_reason::unhandled_exception);
    return;
  }
  const auto host = std::ranges::find_if(
      hosts_, [&](const Host& each) { return each.session.address() == down.source; });
  if (host != hosts_.end()) {
    lose(host, host->is_leaving ? "it has left" : "its connection has ended");
  }
}

void coordinator::lose(std::vector<Host>::iterator host, const std::string& reason) {
  const Host lost = std::move(*host);
  hosts_.erase(host);
  if (ending_.pending()) {
    if (hosts_.empty()) {
      std::exchange(ending_, {}).deliver(hosts_ended{});
    }
    return;
  }
  const bool is_planned = open_ && open_->term > 0 && !open_->committed;
  std::string what_becomes;
  if (is_planned) {
    const auto member = std::ranges::find(open_->members, lost.machine, &Member::machine);
    if (member != open_->members.end()) {
      what_becomes = fmt::format(" Its {} micro-batches of this step go to {} {}; nothing is lost",
                                 size_of(member->ranges), open_->members.size() - 1,
                                 open_->members.size() == 2 ? "machine" : "machines");
    }
  }
  notice(fmt::format("host {} lost{}: {}.{}", lost.name, standing_of_run(), reason, what_becomes));
  if (is_planned) {
    plan_again(lost.machine);
  } else {
    go_on();
  }
}

caf::result<hosts_ended> coordinator::end(const end_hosts&) {
  if (hosts_.empty()) {
    return hosts_ended{};
  }
  ending_ = make_response_promise<hosts_ended>();
  for (const auto& host : hosts_) {
    host.session.send(*this, wire::ended{"the run has ended"});
  }
  return ending_;
}

void coordinator::say_who_is_missing() {
  if (has_begun_ || !open_) {
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  const auto left = std::chrono::duration_cast<std::chrono::seconds>(waits_until_ - now).count();
  if (left <= 0) {
    step_lost(fmt::format("only {} of {} hosts came within {} s; start them with nodezero host, or "
                          "wait for fewer",
                          hosts_.size(), settings_.wanted, settings_.wait.count()),
              nullptr);
    return;
  }
  notice(fmt::format("waiting for {} more of {} hosts, {} s left", settings_.wanted - hosts_.size(),
                     settings_.wanted, left));
  delayed_send(this, std::chrono::seconds(10), waiting_tick{});
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
