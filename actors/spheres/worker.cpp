// SPDX-License-Identifier: BSD-3-Clause
#include "actors/spheres/worker.hpp"

#include <cmath>

namespace nodezero::actors {

worker::worker(caf::actor_config& config, SphereSettingsPtr settings, const TopologyNode& place,
               parent_actor parent)
    : summing_sphere(config, std::move(settings), place), parent_(std::move(parent)) {}

worker::behavior_type worker::make_behavior() {
  monitor(parent_);
  set_down_handler([this](const caf::down_msg& down) { quit(down.reason); });
  set_exception_handler([this](pointer, std::exception_ptr& thrown) -> caf::error {
    return make_error({ErrorCode::failed, runtime::words_of(thrown),
                       at(step_.envelope, place_.id, current_position_)});
  });
  return {
      [this](const assign& step) { begin(step); },
      [this](const abandon&) { close(); },
  };
}

void worker::begin(const assign& step) {
  open(step);
  loss_ = {};
  if (step.positions.empty()) {
    send(parent_, report{step.envelope, step.purpose, place_.id, {}, {}, 0});
    close();
    return;
  }
  for (const std::uint32_t position : step.positions) {
    request(settings_->lanes, caf::infinite,
            compute{step.envelope, step.purpose, position, step.weights, step.batches, {}})
        .then(
            [this, generation = generation_](const computed& answer) {
              if (is_current(generation)) {
                take(answer.partial.take());
              }
            },
            [this, generation = generation_, position](const caf::error& error) {
              if (generation == generation_) {
                Error reason = to_error(error);
                reason.place = at(step_.envelope, place_.id, position);
                quit(make_error(std::move(reason)));
              }
            });
  }
}

void worker::take(Partial part) {
  current_position_ = part.range.first;
  if (!std::isfinite(part.loss.negative_log_likelihood)) {
    quit(make_error({ErrorCode::not_finite,
                     "the loss of a micro-batch is not finite; a lower learning rate may help",
                     at(step_.envelope, place_.id, current_position_)}));
    return;
  }
  loss_.negative_log_likelihood += part.loss.negative_log_likelihood;
  loss_.valid_tokens += part.loss.valid_tokens;
  put(std::move(part));
  current_position_.reset();
}

void worker::pass_up(Partial sum) {
  const PositionRange range = sum.range;
  send(parent_, gradient{step_.envelope, step_.purpose, place_.id, range, Moved(std::move(sum))});
  if (reduction_.finished()) {
    send(parent_, report{step_.envelope, step_.purpose, place_.id, step_.positions, loss_, 1});
    close();
  }
}

void worker::sum_failed(Error reason) {
  reason.place = at(step_.envelope, place_.id);
  quit(make_error(std::move(reason)));
}

}  // namespace nodezero::actors
