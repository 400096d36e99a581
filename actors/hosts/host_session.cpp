// SPDX-License-Identifier: BSD-3-Clause
#include "actors/hosts/host_session.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include <fmt/format.h>

#include "actors/hosts/block_sums.hpp"
#include "actors/hosts/exchange.hpp"
#include "actors/hosts/fingerprints.hpp"
#include "actors/lanes/lane_scheduler.hpp"
#include "actors/run/optimizer.hpp"
#include "formats/printable_text.hpp"
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
  const auto& held = settings_.held;
  settings_.coordinator.send(
      *this,
      wire::join{wire::protocol_digest(), settings_.version, settings_.name, settings_.process,
                 lane_count(run), settings_.address, held ? held->progress.run : 0,
                 held ? held->progress.version : 0, held ? hash_of(*held->weights) : 0,
                 caf::actor_cast<caf::strong_actor_ptr>(this)});
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
      [this](const wire::run_file& message) { files_[message.name] = message.content; },
      [this](const wire::state_block& message) { take_block(message); },
      [this](const wire::state_end& message) { take_end(message); },
      [this](const wire::missed_block& message) { take_missed(message); },
      [this](const wire::missed_end& message) { take_missed_end(message); },
      [this](const wire::ended& message) { end(HostEnd::Reason::run_ended, message.reason); },
      [this](const wire::dismissed& message) {
        end(HostEnd::Reason::lost, "put out of the run: " + message.reason);
      },
  };
}

void host_session::on_exit() {
  end_actor(exchange_);
  end_actor(optimizer_);
  end_actor(lanes_ ? lanes_ : settings_.lanes);
  workers_.send_exit();
  settings_.coordinator = {};
  settings_.lanes = nullptr;
  settings_.observer = nullptr;
  lanes_ = nullptr;
  optimizer_ = nullptr;
  exchange_ = nullptr;
  missed_.reset();
  say_end({HostEnd::Reason::failed, "the session has ended", nullptr});
}

std::uint64_t host_session::state_digest(const runtime::ActorKeys& keys) const {
  return runtime::fingerprint(keys, run_, machine_, self_test_, incoming_, is_part_, is_ending_,
                              missed_, lanes_, optimizer_, exchange_,
                              settings_.held ? settings_.held->progress.version : 0);
}

const char* host_session::state_name() const {
  return is_ending_ ? "ends" : is_part_ ? "takes part" : incoming_ ? "receives" : "joins";
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
  const auto& own = settings_.trained;
  if (message.model != (own ? own->identity() : "")) {
    end(HostEnd::Reason::refused,
        fmt::format(
            "the run trains {}, and this program {}",
            message.model.empty() ? "a GPT-2 of nodezero train"
                                  : formats::escaped_name(message.model),
            own ? formats::escaped_name(own->identity()) : "lends itself to nodezero train alone"));
    return;
  }
  turn_to_coordinator();
  run_ = message.run;
  machine_ = message.machine;
  told_ = *told;
  model_ = message.model;
  incoming_.emplace(own ? own : model::gpt2_model(told_.training));
  const auto layout = incoming_->trained()->layout();
  const std::uint64_t needed = bytes_needed(*layout, told_, settings_.threads);
  if (settings_.memory > 0 && needed > settings_.memory) {
    end(HostEnd::Reason::failed, fmt::format("the run needs {} MB here, and {} MB are available",
                                             needed / 1'000'000, settings_.memory / 1'000'000));
    return;
  }
  settings_.say(fmt::format("connected to run {:016x}: {} parameters; waiting for the state", run_,
                            layout->parameter_count()));
  self_test_ = settings_.self_test(*incoming_->trained(), told_.training);
  for (const auto& address : message.hosts) {
    if (!settings_.link) {
      continue;
    }
    if (const auto linked = settings_.link(address); !linked) {
      settings_.say(linked.error().message + "; what this host says to it passes the root");
    }
  }
}

/// What was asked to let this host take part may only be the door to the run.
void host_session::turn_to_coordinator() {
  const runtime::Peer coordinator(current_sender());
  if (coordinator.address() != settings_.coordinator.address()) {
    demonitor(settings_.coordinator.address());
    settings_.coordinator = coordinator;
    monitor(caf::actor_cast<caf::actor>(coordinator.pointer()));
  }
}

void host_session::take_block(const wire::state_block& message) {
  give_credit();
  if (!incoming_) {
    return;
  }
  if (const auto taken = incoming_->put(message); !taken) {
    end(HostEnd::Reason::failed, taken.error().message);
  }
}

void host_session::take_end(const wire::state_end& message) {
  give_credit();
  if (!incoming_) {
    return;
  }
  if (message.blocks == 0 && settings_.held) {
    incoming_->copy(*settings_.held);
  }
  settings_.held.reset();
  const auto progress = incoming_->end(message);
  if (!progress) {
    end(HostEnd::Reason::failed, progress.error().message);
    return;
  }
  spawn_machine(*progress);
  incoming_.reset();
  is_part_ = true;
  settings_.say(fmt::format("ready after step {} of the run", progress->step));
  settings_.coordinator.send(
      *this, wire::ready{self_test_, caf::actor_cast<caf::strong_actor_ptr>(exchange_)});
}

void host_session::take_missed(const wire::missed_block& message) {
  give_credit();
  if (!is_part_) {
    return;
  }
  if (!missed_) {
    missed_.emplace(MissedSum{gradients_->lease(), {}, 0});
    missed_->squared_norms.resize(model::norm_block_count(*(*missed_->sum).layout()));
  }
  const auto block = block_of(*missed_->sum, message.block);
  const auto values = message.values.span();
  if (values.empty() || values.size() != block.size()) {
    end(HostEnd::Reason::failed, "the root sent a sum of another model");
    return;
  }
  std::ranges::copy(values, block.begin());
  missed_->squared_norms[message.block] = std::bit_cast<double>(message.norm_bits);
  ++missed_->received;
}

void host_session::take_missed_end(const wire::missed_end& message) {
  const auto after = decode_progress(message.progress);
  if (!is_part_ || !missed_ || missed_->received != missed_->squared_norms.size() || !after) {
    end(HostEnd::Reason::failed, "the root sent a sum with gaps");
    return;
  }
  auto [sum, norms, received] = std::move(*std::exchange(missed_, std::nullopt));
  request(exchange_, caf::infinite,
          apply_missed{*after, Moved(std::move(sum)), message.valid_tokens, std::move(norms)})
      .then([this](const missed_applied&) { give_credit(); },
            [this](const caf::error& error) {
              end(HostEnd::Reason::failed, to_string(to_error(error)));
            });
}

/// The actors of this machine: what a run has on one machine, with the exchange for a root.
void host_session::spawn_machine(const model::TrainingProgress& progress) {
  const HostSettings& told = told_;
  const auto& layout = incoming_->trained()->layout();
  const Envelope here{run_, progress.epoch, progress.step, progress.version};
  auto settings = run_settings(told, settings_.threads);
  settings.trained = settings_.trained;
  gradients_ = std::make_shared<GradientPool>(layout);
  lanes_ = settings_.lanes;
  if (!lanes_) {
    workers_ =
        spawn_workers(system(), runtime::Scheduling::own_threads, settings, observer_, nullptr);
    settings_.observer = workers_.observer;
    lanes_ = system().spawn<lane_scheduler>(workers_.lanes, gradients_);
  }
  auto buffers = std::make_shared<VersionBuffers>(std::move(incoming_->weights));
  const ParametersPtr weights = buffers->publish();
  optimizer_ = system().spawn<optimizer>(OptimizerStart{.config = told.training.optimizer,
                                                        .total_steps = told.total_steps,
                                                        .lanes = lane_count(settings),
                                                        .envelope = here,
                                                        .weights = std::move(buffers),
                                                        .state = std::move(incoming_->optimizer)},
                                         lanes_);
  const auto spheres = std::make_shared<const SphereSettings>(SphereSettings{
      .lanes = lanes_,
      .lane_count = lane_count(settings),
      .observer = settings_.observer,
      .tree =
          std::make_shared<const std::vector<TopologyNode>>(topology(told.spheres, told.symmetry)),
      .symmetry = told.symmetry,
      .routing = RoutingPolicy::balanced,
      .token_frequencies = {},
      .attempts = told.attempts,
      .stall_timeout = told.stall_timeout});
  exchange_ =
      system().spawn<exchange>(ExchangeSettings{.machine = machine_,
                                                .root = {},
                                                .coordinator = settings_.coordinator,
                                                .spheres = spheres,
                                                .layout = layout,
                                                .additions = model::GradientSums(told.training),
                                                .trained = incoming_->trained(),
                                                .optimizer = optimizer_,
                                                .here = here,
                                                .weights = weights,
                                                .progress = progress});
  runtime::give_worker(system(), caf::actor_cast<caf::strong_actor_ptr>(exchange_));
  monitor(exchange_);
  monitor(optimizer_);
  monitor(lanes_);
}

void host_session::end(HostEnd::Reason reason, std::string text) {
  if (std::exchange(is_ending_, true)) {
    return;
  }
  if (reason != HostEnd::Reason::lost || !is_part_) {
    // What an earlier part has left is still good.
    say_end({reason, std::move(text), std::move(settings_.held)});
    quit(caf::exit_reason::user_shutdown);
    return;
  }
  constexpr auto bound = std::chrono::seconds(10);
  const auto leave = [this, text = std::move(text)](std::shared_ptr<const StateOfRun> state) {
    say_end({HostEnd::Reason::lost, text, std::move(state)});
    quit(caf::exit_reason::user_shutdown);
  };
  request(exchange_, bound, hand_over{})
      .then(
          [this, leave](const handed_over& last) {
            leave(std::make_shared<const StateOfRun>(StateOfRun{
                told_, model_, files_, last.progress, last.state.weights, last.state.optimizer}));
          },
          [leave](const caf::error&) { leave(nullptr); });
}

void host_session::say_end(HostEnd end) {
  if (settings_.on_end) {
    std::exchange(settings_.on_end, nullptr)(std::move(end));
  }
}

}  // namespace nodezero::actors
