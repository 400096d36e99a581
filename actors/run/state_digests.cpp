// SPDX-License-Identifier: BSD-3-Clause

// What a checker of schedules compares of each actor: everything that a later handler can notice.
// Counters that only people read are left out.

#include <bit>
#include <variant>

#include "actors/digests.hpp"
#include "actors/inference/inference.hpp"
#include "actors/inference/lifecycle.hpp"
#include "actors/lanes/lane_scheduler.hpp"
#include "actors/run/driver.hpp"
#include "actors/run/node_zero.hpp"
#include "actors/run/optimizer.hpp"
#include "actors/spheres/control.hpp"
#include "actors/spheres/worker.hpp"

namespace nodezero::actors {

using runtime::ActorKeys;
using runtime::Fingerprint;

std::uint64_t digest_of(const Envelope& envelope) {
  return Fingerprint().add(envelope.epoch).add(envelope.step).add(envelope.version).value();
}

std::uint64_t digest_of(const Error& reason) {
  Fingerprint digest;
  digest.add(static_cast<std::uint64_t>(reason.code));
  if (const auto& place = reason.place) {
    digest.add(digest_of(Envelope{0, place->epoch, place->step, place->version}));
    digest.add(place->sphere ? *place->sphere + std::uint64_t{1} : 0);
    digest.add(place->micro_batch ? *place->micro_batch + std::uint64_t{1} : 0);
  }
  return digest.value();
}

std::uint64_t digest_of(const model::LossSum& loss) {
  return Fingerprint()
      .add(std::bit_cast<std::uint64_t>(loss.negative_log_likelihood))
      .add(static_cast<std::uint64_t>(loss.valid_tokens))
      .value();
}

std::uint64_t digest_of(const std::vector<std::uint32_t>& numbers) {
  Fingerprint digest;
  for (const std::uint32_t number : numbers) {
    digest.add(number);
  }
  return digest.add(numbers.size()).value();
}

// -- spheres -------------------------------------------------------------------------------------

std::uint64_t StepReduction::state_digest() const {
  Fingerprint digest;
  digest.add(digest_of(mine_)).add(passed_up_);
  for (const bool arrived : arrived_) {
    digest.add(arrived);
  }
  for (const auto& [first, part] : held_) {
    digest.add(digest_of(part.range)).add(digest_of(part.loss));
  }
  return digest.value();
}

std::uint64_t digest_of_step(const assign& step, std::uint64_t generation,
                             const StepReduction& reduction) {
  return Fingerprint()
      .add(generation)
      .add(digest_of(step.envelope))
      .add(static_cast<std::uint64_t>(step.purpose))
      .add(digest_of(step.positions))
      .add(digest_of(step.attempts))
      .add(reduction.state_digest())
      .value();
}

std::uint64_t worker::state_digest(const ActorKeys& keys) const {
  return Fingerprint()
      .add(step_digest())
      .add(open_ ? digest_of(loss_) : 0)
      .add(keys.of(parent_))
      .value();
}

std::uint64_t control::state_digest(const ActorKeys& keys) const {
  return Fingerprint().add(family_digest(keys)).add(keys.of(parent_)).value();
}

std::uint64_t node_zero::state_digest(const ActorKeys& keys) const {
  const auto purpose = std::holds_alternative<planning>(state_) ? std::get<planning>(state_).purpose
                       : std::holds_alternative<reducing>(state_)
                           ? std::get<reducing>(state_).purpose
                           : Purpose::train;
  Fingerprint digest;
  digest.add(family_digest(keys)).add(state_.index()).add(static_cast<std::uint64_t>(purpose));
  digest.add(digest_of(here())).add(progress_.step_in_epoch).add(progress_.best_validation_step);
  digest.add(evaluation_.pending()).add(halt_.pending()).add(epoch_ ? epoch_->steps + 1 : 0);
  if (in<failed>() || in<ended>()) {
    return digest.value();  // there will be no other step, and nobody looks whether any goes on
  }
  digest.add(weights_ != nullptr).add(checkpoint_in_flight_);
  digest.add(planned_ahead_ ? planned_ahead_->envelope.step + 1 : 0);
  digest.add(asked_step_ ? *asked_step_ + 1 : 0);
  digest.add(sum_ ? digest_of(sum_->range) : 0);
  if (in<reducing>() || in<applying>()) {
    digest.add(digest_of(loss_)).add(micro_batches_);
  }
  digest.add(watching_).add(events_).add(events_at_tick_);
  return digest.value();
}

const char* node_zero::state_name() const {
  return std::visit([](const auto& state) { return state.name; }, state_);
}

// -- the others ----------------------------------------------------------------------------------

std::uint64_t optimizer::state_digest(const ActorKeys&) const {
  Fingerprint digest;
  digest.add(digest_of(envelope_)).add(is_retired_).add(task_ != nullptr).add(applied_.pending());
  digest.add(start_.state->step);
  if (task_) {
    digest.add(static_cast<std::uint64_t>(valid_tokens_)).add(export_after_update_);
    digest.add(shards_running_).add(std::bit_cast<std::uint64_t>(norm_));
  }
  return digest.value();
}

const char* optimizer::state_name() const {
  return is_retired_ ? "retired" : task_ ? "updating" : "idle";
}

std::uint64_t lane_scheduler::state_digest(const ActorKeys& keys) const {
  Fingerprint digest;
  for (const auto& lane : idle_) {
    digest.add(keys.of(lane));
  }
  digest.add(idle_.size());
  for (const auto& [key, job] : waiting_) {
    // Of the sequence number only the order matters, which the map has.
    digest.add(static_cast<std::uint64_t>(std::get<Priority>(key)));
    digest.add(std::get<std::uint32_t>(key)).add(keys.key(job.asker));
  }
  digest.add(waiting_.size()).add(abandoned_step_ ? *abandoned_step_ + 1 : 0);
  if (!abandoned_step_ || *abandoned_step_ < std::get<0>(step_)) {
    digest.add(finished_).add(next_position_);
    digest.add(std::get<0>(step_)).add(std::get<1>(step_)).add(batches_ != nullptr);
  }  // else nothing of the step will be taken, and who abandons one never asks how many finished
  return digest.value();
}

std::uint64_t lifecycle::state_digest(const ActorKeys& keys) const {
  Fingerprint digest;
  digest.add(state_.index()).add(digest_of(envelope_)).add(weights_ != nullptr);
  digest.add(keys.of(root_)).add(requests_).add(stops_.size());
  for (const auto& [number, entry] : waiting_) {
    digest.add(number).add(static_cast<std::uint64_t>(entry.request.tokens));
  }
  if (const auto* reason = std::get_if<failed>(&state_)) {
    digest.add(digest_of(reason->reason));
  }
  return digest.value();
}

const char* lifecycle::state_name() const {
  return std::visit([](const auto& state) { return state.name; }, state_);
}

std::uint64_t inference::state_digest(const ActorKeys&) const {
  Fingerprint digest;
  for (const auto& waiting : queue_) {
    digest.add(digest_of(waiting->envelope));
    digest.add(static_cast<std::uint64_t>(waiting->session->request.tokens));
  }
  return digest.add(queue_.size()).add(running_).value();
}

std::uint64_t driver::state_digest(const ActorKeys&) const {
  // Before the run and after its answer there is nothing that it would do.
  return answer_.pending()
             ? Fingerprint().add(digest_of(envelope_)).add(was_stopped_).add(1).value()
             : 0;
}

}  // namespace nodezero::actors
