// SPDX-License-Identifier: BSD-3-Clause
#include "actors/spheres/worker.hpp"

#include <cmath>

#include "actors/fingerprints.hpp"

namespace nodezero::actors {

worker::worker(caf::actor_config& config, SphereSettingsPtr settings, const TopologyNode& place,
               parent_actor parent)
    : summing_sphere(config, std::move(settings), place), state_{std::move(parent), {}} {}

worker::behavior_type worker::make_behavior() {
  monitor(state_.parent);
  set_down_handler([this](const caf::down_msg& down) { quit(down.reason); });
  set_exception_handler([this](pointer, std::exception_ptr& thrown) -> caf::error {
    return make_error(
        {ErrorCode::failed, runtime::words_of(thrown),
         at(is_open() ? step().envelope : Envelope{}, place_.id, state_.current_position)});
  });
  return {
      [this](const assign& step) { begin(step); },
      [this](const abandon&) { close(); },
  };
}

std::uint64_t worker::state_digest(const runtime::ActorKeys& keys) const {
  return runtime::fingerprint(keys, sums_, state_);
}

void worker::begin(const assign& assigned) {
  if (auto refused = refusal_of(assigned)) {
    send(state_.parent, std::move(*refused));
    return;
  }
  open(assigned);
  if (assigned.positions.empty()) {
    send(state_.parent, report_of_step());
    close();
    return;
  }
  open_step().spheres_busy = 1;
  for (const std::uint32_t position : assigned.positions) {
    request(
        settings_->lanes, caf::infinite,
        compute{
            assigned.envelope, assigned.purpose, position, assigned.weights, assigned.batches, {}})
        .then(
            [this, generation = sums_.generation, position](const computed& answer) {
              if (is_current(generation)) {
                take(position, answer.partial.take());
              }
            },
            [this, generation = sums_.generation, position](const caf::error& error) {
              if (is_current(generation)) {
                Error reason = to_error(error);
                reason.place = at(step().envelope, place_.id, position);
                quit(make_error(std::move(reason)));
              }
            });
  }
}

void worker::take(std::uint32_t position, Partial part) {
  state_.current_position = position;
  if (part.range != PositionRange{position, position + 1}) {
    quit(make_error({ErrorCode::conservation, "a lane answered with another micro-batch",
                     at(step().envelope, place_.id, position)}));
    return;
  }
  if (!std::isfinite(part.loss.negative_log_likelihood)) {
    quit(make_error({ErrorCode::not_finite,
                     "the loss of a micro-batch is not finite; a lower learning rate may help",
                     at(step().envelope, place_.id, state_.current_position)}));
    return;
  }
  count(part.loss);
  put(std::move(part));
  state_.current_position.reset();
}

void worker::pass_up(Partial sum) {
  const PositionRange range = sum.range;
  send(state_.parent,
       gradient{step().envelope, step().purpose, place_.id, range, Moved(std::move(sum))});
  if (open_step().reduction.finished()) {
    send(state_.parent, report_of_step());
    close();
  }
}

void worker::sum_failed(Error reason) {
  reason.place = at(step().envelope, place_.id);
  quit(make_error(std::move(reason)));
}

}  // namespace nodezero::actors
