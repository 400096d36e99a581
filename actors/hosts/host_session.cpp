// SPDX-License-Identifier: BSD-3-Clause
#include "actors/hosts/host_session.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include <fmt/format.h>

#include "actors/hosts/block_sums.hpp"
#include "actors/hosts/exchange.hpp"
#include "actors/hosts/self_test.hpp"
#include "actors/lanes/lane_scheduler.hpp"
#include "actors/run/optimizer.hpp"
#include "runtime/own_threads.hpp"
#include "runtime/system_config.hpp"
#include "runtime/thrown.hpp"

namespace nodezero::actors {
namespace {

RunSettings run_settings(const HostSettings& told, std::uint32_t threads) {
  RunSettings settings;
  settings.training = told.training;
  settings.spheres = told.spheres;
  settings.symmetry = told.symmetry;
  settings.attempts = told.attempts;
  settings.stall_timeout = told.stall_timeout;
  settings.threads = threads;
  return settings;
}

/// Weights, two moments, the sum, up to two sums of this machine, and what the lanes have at a
/// time.
std::uint64_t bytes_needed(const model::TensorLayout& layout, const HostSettings& told,
                           std::uint32_t threads) {
  const std::uint64_t positions = told.training.micro_batches;
  const std::uint64_t of_lanes = std::min<std::uint64_t>(
      lane_count(run_settings(told, threads)) + std::bit_width(positions - 1) + 2, positions);
  return sizeof(float) * layout.buffer_size() * (6 + of_lanes);
}

void end_actor(const auto& handle) {
  if (handle) {
    caf::anon_send_exit(handle, caf::exit_reason::kill);
  }
}

}  // namespace

host_session::host_session(caf::actor_config& config, HostSessionSettings settings)
    : recorded(config), settings_(std::move(settings)) {}

host_session::behavior_type host_session::make_behavior() {
  // A reason of ours could not cross to another process.
  set_exception_handler([this](pointer, std::exception_ptr& thrown) -> caf::error {
    end(HostEnd::Reason::failed, runtime::words_of(thrown));
    return caf::exit_reason::unhandled_exception;
  });
  set_down_handler([this](const caf::down_msg& down) {
    if (down.source == settings_.coordinator.address()) {
      end(HostEnd::Reason::lost, "the root is gone");
    } else {
      end(HostEnd::Reason::failed, "an actor that computes has failed");
    }
  });
  monitor(caf::actor_cast<caf::actor>(settings_.coordinator.pointer()));
  delayed_send(this, settings_.admission_timeout, admission_deadline{});
  const auto run = run_settings({}, settings_.threads);
  settings_.coordinator.send(
      *this,
      wire::join{wire::protocol_digest(), settings_.version, settings_.name, settings_.process,
                 lane_count(run), settings_.address, caf::actor_cast<caf::strong_actor_ptr>(this)});
  return {
      [this](const leave&) {
        settings_.coordinator.send(*this, wire::leaving{machine_});
        end(HostEnd::Reason::left, "this host has left the run");
      },
      [this](const admission_deadline&) {
        if (!incoming_ && !is_part_) {
          end(HostEnd::Reason::lost, "the root does not answer");
        }
      },
      [this](const wire::refused& message) { end(HostEnd::Reason::refused, message.reason); },
      [this](const wire::admitted& message) { take_settings(message); },
      [this](const wire::state_block& message) { take_block(message); },
      [this](const wire::state_end& message) { take_end(message); },
      [this](const wire::ended& message) { end(HostEnd::Reason::run_ended, message.reason); },
      [this](const wire::dismissed& message) {
        end(HostEnd::Reason::lost, "put out of the run: " + message.reason);
      },
  };
}

void host_session::on_exit() {
  end_actor(exchange_);
  end_actor(optimizer_);
  end_actor(lanes_);
  workers_.send_exit();
  settings_.coordinator = {};
  exchange_ = nullptr;
  if (settings_.on_end) {
    std::exchange(settings_.on_end, nullptr)({HostEnd::Reason::failed, "the session has ended"});
  }
}

void host_session::take_settings(const wire::admitted& message) {
  if (incoming_ || is_part_) {
    return;
  }
  auto told = decode(message.settings);
  if (!told) {
    end(HostEnd::Reason::failed, told.error().message);
    return;
  }
  run_ = message.run;
  machine_ = message.machine;
  Incoming incoming;
  incoming.told = *told;
  incoming.trained = model::gpt2_model(told->training);
  const auto layout = incoming.trained->layout();
  const std::uint64_t needed = bytes_needed(*layout, *told, settings_.threads);
  if (settings_.memory > 0 && needed > settings_.memory) {
    end(HostEnd::Reason::failed, fmt::format("the run needs {} MB here, and {} MB are available",
                                             needed / 1'000'000, settings_.memory / 1'000'000));
    return;
  }
  incoming.weights = std::make_shared<model::Parameters>(layout);
  incoming.state = std::make_shared<model::OptimizerState>(layout);
  incoming.blocks = model::norm_block_count(*layout);
  settings_.say(fmt::format("connected to run {:016x}: {} parameters; waiting for the state", run_,
                            layout->parameter_count()));
  incoming_ = std::move(incoming);
  self_test_ = self_test(told->training);
  for (const auto& address : message.hosts) {
    if (!settings_.link) {
      continue;
    }
    if (const auto linked = settings_.link(address); !linked) {
      settings_.say(linked.error().message + "; what this host says to it passes the root");
    }
  }
}

void host_session::take_block(const wire::state_block& message) {
  settings_.coordinator.send(*this, wire::credit{1});
  if (!incoming_ || message.set > 2) {
    return;
  }
  const auto block = block_of(incoming_->set(message.set), message.block);
  const auto values = message.values.span();
  if (values.empty() || values.size() != block.size()) {
    end(HostEnd::Reason::failed, "the root sent a state of another model");
    return;
  }
  std::ranges::copy(values, block.begin());
  ++incoming_->received;
}

void host_session::take_end(const wire::state_end& message) {
  settings_.coordinator.send(*this, wire::credit{1});
  if (!incoming_) {
    return;
  }
  if (incoming_->received != 3 * incoming_->blocks) {
    end(HostEnd::Reason::failed, "the root sent a state with gaps");
    return;
  }
  incoming_->state->step = message.updates;
  spawn_machine({run_, message.epoch, message.step, message.version});
  incoming_.reset();
  is_part_ = true;
  settings_.say(fmt::format("ready after step {} of the run", message.step));
  settings_.coordinator.send(
      *this, wire::ready{self_test_, caf::actor_cast<caf::strong_actor_ptr>(exchange_)});
}

/// The actors of this machine: what a run has on one machine, with the exchange for a root.
void host_session::spawn_machine(const Envelope& here) {
  const HostSettings& told = incoming_->told;
  const auto settings = run_settings(told, settings_.threads);
  workers_ =
      spawn_workers(system(), runtime::Scheduling::own_threads, settings, observer_, nullptr);
  const auto gradients = std::make_shared<GradientPool>(incoming_->trained->layout());
  lanes_ = system().spawn<lane_scheduler>(workers_.lanes, gradients);
  auto buffers = std::make_shared<VersionBuffers>(std::move(incoming_->weights));
  const ParametersPtr weights = buffers->publish();
  optimizer_ = system().spawn<optimizer>(OptimizerStart{.config = told.training.optimizer,
                                                        .total_steps = told.total_steps,
                                                        .lanes = lane_count(settings),
                                                        .envelope = here,
                                                        .weights = std::move(buffers),
                                                        .state = std::move(incoming_->state)},
                                         lanes_);
  const auto spheres = std::make_shared<const SphereSettings>(SphereSettings{
      .lanes = lanes_,
      .lane_count = lane_count(settings),
      .observer = workers_.observer,
      .tree =
          std::make_shared<const std::vector<TopologyNode>>(topology(told.spheres, told.symmetry)),
      .symmetry = told.symmetry,
      .routing = RoutingPolicy::balanced,
      .token_frequencies = {},
      .attempts = told.attempts,
      .stall_timeout = told.stall_timeout});
  exchange_ = system().spawn<exchange>(ExchangeSettings{.machine = machine_,
                                                        .root = {},
                                                        .coordinator = settings_.coordinator,
                                                        .spheres = spheres,
                                                        .layout = incoming_->trained->layout(),
                                                        .optimizer = optimizer_,
                                                        .here = here,
                                                        .weights = weights});
  runtime::give_worker(system(), caf::actor_cast<caf::strong_actor_ptr>(exchange_));
  monitor(exchange_);
  monitor(optimizer_);
  monitor(lanes_);
}

void host_session::end(HostEnd::Reason reason, std::string text) {
  if (settings_.on_end) {
    std::exchange(settings_.on_end, nullptr)({reason, std::move(text)});
  }
  quit(caf::exit_reason::user_shutdown);
}

}  // namespace nodezero::actors
