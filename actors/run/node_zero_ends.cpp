// SPDX-License-Identifier: BSD-3-Clause

// The ends of an epoch and of a run, and what node_zero does beside the protocol.

#include <algorithm>
#include <utility>

#include "actors/run/node_zero.hpp"

namespace nodezero::actors {

// -- failure and halt ------------------------------------------------------------------------

void node_zero::give_up_step(Error reason) {
  if (is_open()) {
    abandon_step(step().envelope);
    send(settings_->lanes, abandon{here()});
  }
  if (state_.epoch) {
    auto gate = std::move(std::exchange(state_.epoch, std::nullopt)->gate);
    std::move(gate).fail(reason);
  }
  if (state_.evaluation.pending()) {
    std::exchange(state_.evaluation, {}).deliver(make_error(reason));
  }
}

void node_zero::fail_epoch(Error reason) {
  if (in<failed>() || in<ended>()) {
    return;
  }
  enter_end(failed{});
  send(node_.lifecycle, epoch_failed{here(), reason});
  give_up_step(std::move(reason));
  if (state_.halt.pending()) {
    finish_halt();
  }
}

void node_zero::component_down(const caf::down_msg& down) {
  if (is_working()) {
    fail_epoch({ErrorCode::component_lost,
                "an actor that cannot be replaced has died: " + to_error(down.reason).message,
                at(here())});
  } else if (in<idle>()) {
    enter_end(failed{});
  }
}

void node_zero::finish_halt() {
  enter_end(ended{});
  const auto refuse = [this](const caf::error& error) {
    std::exchange(state_.halt, {}).deliver(error);
  };
  request(node_.optimizer, settings_->stall_timeout, export_state{here()})
      .then(
          [this, refuse](const exported_state& state) {
            const model::Checkpoint checkpoint{node_.model, state_.progress, state.weights,
                                               state.optimizer};
            request(node_.checkpointer, settings_->stall_timeout, save{here(), checkpoint})
                .then(
                    [this, checkpoint](const saved& answer) {
                      send(settings_->observer,
                           telemetry_checkpoint{{checkpoint.progress.step, answer.path}});
                      std::exchange(state_.halt, {}).deliver(halted{here(), checkpoint});
                    },
                    refuse);
          },
          refuse);
}

// -- checkpoints, the best version, snapshots --------------------------------------------------

bool node_zero::checkpoint_due_after_this_step() {
  const std::uint64_t every = node_.checkpoint_every;
  if (every == 0 || (state_.progress.step + 1) % every != 0) {
    return false;
  }
  if (state_.steps.checkpoint_in_flight) {
    notice("the checkpoint of step " + std::to_string(state_.progress.step + 1) +
           " was skipped: the one before is still being written");
    return false;
  }
  return true;
}

void node_zero::save_checkpoint(const optimizer_complete& proof) {
  state_.steps.checkpoint_in_flight = true;
  request(node_.checkpointer, settings_->stall_timeout,
          save{here(), {node_.model, state_.progress, proof.weights(), proof.state()}})
      .then(
          [this](const saved& answer) {
            state_.steps.checkpoint_in_flight = false;
            send(settings_->observer, telemetry_checkpoint{{answer.envelope.step, answer.path}});
          },
          [this](const caf::error& error) {
            state_.steps.checkpoint_in_flight = false;
            save_failed("a checkpoint could not be written: ", to_error(error));
          });
}

/// A full disk does not stop the run: the next save may succeed.
void node_zero::save_failed(std::string_view what, Error reason) {
  if (reason.code == ErrorCode::failed) {
    fail_epoch(std::move(reason));
  } else {
    notice(std::string(what) + reason.message);
  }
}

void node_zero::keep_best(EvaluationSummary& summary) {
  auto& progress = state_.progress;
  // A loss that is not a number is not below anything.
  summary.best = progress.best_validation_step == 0 || summary.loss < progress.best_validation_loss;
  if (!summary.best) {
    return;
  }
  progress.best_validation_loss = summary.loss;
  progress.best_validation_step = progress.step;
  request(node_.checkpointer, settings_->stall_timeout, save_best{here(), state_.steps.weights})
      .then([](const saved&) {},
            [this](const caf::error& error) {
              save_failed("the best version could not be kept: ", to_error(error));
            });
}

void node_zero::send_snapshot(bool epoch_boundary) {
  send(node_.lifecycle, snapshot{here(), state_.steps.weights, epoch_boundary});
}

void node_zero::notice(std::string text) {
  send(settings_->observer, telemetry_notice{{std::move(text)}});
}

// -- the watchdog ------------------------------------------------------------------------------

void node_zero::watch() {
  if (!state_.steps.watched) {
    state_.steps.watched = true;
    state_.steps.events_at_tick = 0;
    delayed_send(this, settings_->stall_timeout, watchdog_tick{});
  }
}

void node_zero::check_progress() {
  state_.steps.watched = false;
  if (!is_working()) {
    return;
  }
  if (in<planning>() && node_.waits_for_batches) {
    watch();  // the host is in control
    return;
  }
  const auto counter = node_.finished ? node_.finished : counting_actor(settings_->lanes);
  request(counter, settings_->stall_timeout, count_finished{})
      .then(
          [this](const finished_count& finished) {
            const std::uint64_t progress = state_.steps.events + finished.tasks;
            if (is_working() && progress == state_.steps.events_at_tick) {
              fail_epoch(
                  {ErrorCode::timed_out, "nothing has happened for the stall timeout", at(here())});
              return;
            }
            watch();
            state_.steps.events_at_tick = progress;
          },
          [this](const caf::error& error) {
            if (is_working()) {
              fail_epoch(to_error(error));
            }
          });
}

}  // namespace nodezero::actors
