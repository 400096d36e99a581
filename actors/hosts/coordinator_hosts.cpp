// SPDX-License-Identifier: BSD-3-Clause

// How hosts come into a run and how they go.

#include <algorithm>
#include <bit>
#include <cctype>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "actors/hosts/block_sums.hpp"
#include "actors/hosts/coordinator.hpp"
#include "actors/hosts/state_transfer.hpp"
#include "formats/printable_text.hpp"

namespace nodezero::actors {
namespace {

/// It is printed.
bool is_name(const std::string& text) {
  constexpr std::size_t most = 64;
  return !text.empty() && text.size() <= most && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
  });
}

}  // namespace

void coordinator::take_join(const wire::join& message) {
  const runtime::Peer session(message.session);
  const auto refuse = [&](std::string reason) {
    notice(fmt::format("host {} refused: {}", message.name, reason));
    session.send(*this, wire::refused{std::move(reason)});
  };
  if (is_name(message.name) && message.protocol != wire::protocol_digest()) {
    refuse(fmt::format("nodezero {} there, {} here, and they do not speak the same protocol",
                       formats::escaped_name(message.version), settings_.version));
    return;
  }
  if (!is_name(message.name)) {
    session.send(*this,
                 wire::refused{"its name is not of 1 to 64 letters, digits, '.', '-' and '_'"});
    return;
  }
  if (ending_.pending()) {
    session.send(*this, wire::ended{run_has_ended});
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
  constexpr std::uint32_t most_lanes = 4'096;
  Host host{++last_machine_,
            message.name,
            message.process,
            message.address,
            std::clamp(message.lanes, 1U, most_lanes),
            Standing::admitted,
            session,
            {},
            BlockLink(session)};
  if (message.held_run == settings_.run) {
    host.held_version = message.held_version;
    host.held_hash = message.held_hash;
  }
  monitor(caf::actor_cast<caf::actor>(message.session));
  wire::admitted admitted{
      settings_.run, host.machine, encode(settings_.told), settings_.trained->identity(), {}};
  for (const auto& other : hosts_) {
    if (!other.address.empty()) {
      admitted.hosts.push_back(other.address);
    }
  }
  session.send(*this, std::move(admitted));
  notice(fmt::format("host {} joins: {} {}", host.name, host.lanes,
                     host.lanes == 1 ? "lane" : "lanes"));
  speeds_.add(host.machine, host.lanes);
  hosts_.push_back(std::move(host));
  go_on();
}

void coordinator::send_states(const optimizer_complete& proof) {
  is_asking_for_state_ = false;
  if (proof.envelope().version != progress_.version) {
    step_lost("the optimizer's state is not that of the last step", nullptr);
    return;
  }
  for (auto& host : hosts_) {
    if (host.standing != Standing::admitted) {
      continue;
    }
    for (const auto& [name, content] : settings_.files) {
      host.session.send(*this, wire::run_file{name, content});
    }
    host.standing = Standing::receiving;
    host.steps = progress_.step;
    const bool has_it =
        host.held_version == progress_.version && host.held_hash == hash_of(*proof.weights());
    if (has_it) {
      notice(fmt::format("host {} still has the state of step {}", host.name, progress_.step));
    }
    send_state(host.state, *this, progress_, proof.weights(), proof.state(), has_it);
  }
  go_on();
}

/// The sum of a step for the hosts that were to get the state in the meantime.
void coordinator::send_missed(const Partial& sum, std::int64_t valid_tokens) {
  std::shared_ptr<GradientLease> copy;
  for (auto& host : hosts_) {
    if (host.standing == Standing::admitted || host.steps == progress_.step) {
      continue;
    }
    if (!copy) {
      copy = std::make_shared<GradientLease>(gradients_->lease());
      std::ranges::copy((*sum.gradient).values(), (**copy).values().begin());
    }
    host.steps = progress_.step;
    host.steps_missed = host.is_up_to_date() ? 1 : host.steps_missed + 1;
    for (std::size_t i = 0; i < sum.squared_norms.size(); ++i) {
      host.state.send(*this, wire::missed_block{static_cast<std::uint32_t>(i),
                                                std::bit_cast<std::uint64_t>(sum.squared_norms[i]),
                                                view_of(copy, i)});
    }
    host.state.send(*this, wire::missed_end{encode(progress_), valid_tokens});
  }
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
      ++events_;
      host.state.credit(*this, blocks);
      if (host.is_up_to_date()) {
        go_on();
      }
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
  speeds_.remove(lost.machine);
  link_bytes_per_second_.erase(lost.machine);
  events_there_.erase(lost.machine);
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
                                 positions_in(member->ranges), open_->members.size() - 1,
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
    host.session.send(*this, wire::ended{run_has_ended});
  }
  return ending_;
}

/// They keep what they have of the run, and join the one that follows.
void coordinator::send_back(const send_hosts_back& message) {
  hosts_return back;
  for (const auto& host : hosts_) {
    host.session.send(*this, wire::dismissed{"another run follows in the same program"});
    back.processes.push_back(host.process);
  }
  send(message.door, std::move(back));
  quit();
}

void coordinator::say_who_is_missing() {
  if (has_begun_ || !open_) {
    return;
  }
  ++events_;  // it is meant to wait
  const auto now = std::chrono::steady_clock::now();
  const auto left = std::chrono::duration_cast<std::chrono::seconds>(waits_until_ - now).count();
  std::vector<std::string> names;
  for (const auto& host : hosts_) {
    names.push_back(host.name);
  }
  const std::string here = names.empty() ? "" : fmt::format(" ({})", fmt::join(names, ", "));
  if (left <= 0) {
    step_lost(fmt::format("only {} of {} hosts came within {} s{}; start the others with nodezero "
                          "host, or wait for fewer",
                          hosts_.size(), settings_.wanted, settings_.wait.count(), here),
              nullptr);
    return;
  }
  notice(fmt::format("waiting for {} more of {} hosts{}, {} s left",
                     settings_.wanted - hosts_.size(), settings_.wanted, here, left));
  delayed_send(this, std::chrono::seconds(std::min<std::int64_t>(10, left)), waiting_tick{});
}

}  // namespace nodezero::actors
