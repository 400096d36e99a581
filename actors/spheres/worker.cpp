// SPDX-License-Identifier: BSD-3-Clause
#include "actors/spheres/worker.hpp"

#include <cmath>
#include <limits>
#include <stdexcept>

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
  for (std::size_t i = 0; i < step.positions.size(); ++i) {
    const std::uint32_t position = step.positions[i];
    request(settings_->lanes, caf::infinite,
            compute{step.envelope, step.purpose, position, step.weights, step.batches, {}})
        .then(
            [this, generation = generation_, attempt = step.attempts[i]](const computed& answer) {
              if (is_current(generation)) {
                take(answer.partial.take(), attempt);
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

void worker::take(Partial part, std::uint32_t attempt) {
  current_position_ = part.range.first;
  if (settings_->faults) {
    inject_fault(part, attempt);
  }
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

void worker::inject_fault(Partial& part, std::uint32_t attempt) {
  const FaultSite site{place_.id, step_.envelope.step, part.range.first, attempt};
  switch (settings_->faults(site)) {
    case Fault::none:
      break;
    case Fault::throw_exception:
      throw std::runtime_error("an injected fault");
    case Fault::die:
      current_position_.reset();
      throw std::runtime_error("an injected death");
    case Fault::non_finite_loss:
      part.loss.negative_log_likelihood = std::numeric_limits<double>::quiet_NaN();
      break;
  }
}

}  // namespace nodezero::actors
