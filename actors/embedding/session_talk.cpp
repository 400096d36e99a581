// SPDX-License-Identifier: BSD-3-Clause

// What the host says to a session and hears from it.

#include <utility>

#include "actors/embedding/host_batches.hpp"
#include "actors/embedding/session.hpp"

namespace nodezero {
std::optional<Error> Trainer::Session::refusal(bool needs_stepped) const {
  if (is_closed_) {
    return Error{ErrorCode::closed, "the trainer is closed"};
  }
  if (needs_stepped && !is_stepped()) {
    return Error{ErrorCode::wrong_mode,
                 "this trainer is not stepped and computes without such calls: use wait_for_steps"};
  }
  if (is_stepped() && std::this_thread::get_id() != owner_) {
    return Error{
        ErrorCode::wrong_thread,
        "only the thread that created a stepped trainer may do this: others submit and ask for "
        "the status"};
  }
  if (host_calls_->is_inside()) {
    return Error{ErrorCode::busy,
                 "a callback or a model's function cannot do this: return from it first"};
  }
  return std::nullopt;
}

Result<void> Trainer::Session::submit(AnyValue batch) {
  if (is_closed_) {
    return fail(ErrorCode::closed, "the trainer is closed");
  }
  if (!queue_) {
    return fail(ErrorCode::wrong_mode, "this trainer's batches come from a function");
  }
  const runtime::HostJobs::Turn turn(jobs_);
  if (auto error = actors::check_batch(*model_, batch)) {
    return tl::unexpected<Error>(std::move(*error));
  }
  const bool may_wait =
      !host_calls_->is_inside() && !(is_stepped() && std::this_thread::get_id() == owner_);
  auto pushed = jobs_ && may_wait ? push_and_help(batch) : queue_->push(std::move(batch), may_wait);
  if (!pushed) {
    return pushed;
  }
  if (is_stepped()) {
    has_new_batches_ = true;
  } else {
    notify_feed();
  }
  return {};
}

/// Where the batch has to wait for room, makes some by doing the actors' work.
Result<void> Trainer::Session::push_and_help(const AnyValue& batch) {
  for (;;) {
    auto pushed = queue_->push(batch, false);
    if (pushed || pushed.error().code != ErrorCode::queue_full ||
        options_.when_full != WhenFull::wait) {
      return pushed;
    }
    notify_feed();  // of batches whose submitters may not have come to that yet
    const auto has_room = [this] {
      return is_closed_ || queue_->counts().waiting < options_.queue_bound;
    };
    if (!jobs_->help_until(has_room)) {
      return pushed;
    }
  }
}

void Trainer::Session::notify_feed() {
  // Under the lock: whoever ends the run takes the feed away first.
  const std::lock_guard lock(mutex_);
  if (feed_) {
    caf::anon_send(feed_, actors::batches_arrived{});
  }
}

Result<Prediction<AnyValue>> Trainer::Session::predict(AnyValue input) {
  if (auto error = refusal(false)) {
    return tl::unexpected<Error>(std::move(*error));
  }
  if (!input.holds(model_->input_type())) {
    return fail(ErrorCode::wrong_shape, "the input is of a type that the model does not take");
  }
  const Inside inside(*this);
  const runtime::HostJobs::Turn turn(jobs_);
  try {
    if (auto error = model_->check_input(input.value.get())) {
      return tl::unexpected<Error>(std::move(*error));
    }
  } catch (...) {
    return fail(ErrorCode::internal, "the model's check threw");
  }
  if (status().progress != Progress::working) {
    const Exchange exchange(*this);
    if (system_) {
      if (auto revived = revive(); !revived) {
        return tl::unexpected<Error>(std::move(revived.error()));
      }
    }
  }
  const SharedLock lock(run_mutex_);
  if (!system_) {
    return fail(ErrorCode::closed, "the trainer is closed");
  }
  actors::generate request;
  request.input = std::move(input);
  const auto answer =
      wait_for(runtime::ask<actors::generated>(*system_, actors_.lifecycle, std::move(request)));
  if (!answer) {
    return is_closed_ ? fail(ErrorCode::closed, "the trainer is closed") : fail(answer.error());
  }
  return Prediction<AnyValue>{answer->envelope.version, answer->output};
}

Status Trainer::Session::status() const {
  const std::lock_guard lock(mutex_);
  Status status = status_;
  status.progress = ended_.value_or(Progress::working);
  status.time = time_;
  if (has_own_threads() && !is_down_) {
    status.threads = {options_.threads, 1, 1, 1, 1, 1};
  }
  if (queue_) {
    const auto counts = queue_->counts();
    status.taken = status.steps * options_.micro_batches;
    status.waiting = counts.waiting;
    status.dropped = counts.dropped;
  }
  return status;
}

Status Trainer::Session::status_of(Progress progress) const {
  Status status = this->status();
  status.progress = progress;
  return status;
}

template <class Callback, class Argument>
void Trainer::Session::call_back(const Callback& callback, const Argument& argument) {
  changed_.notify_all();
  if (!callback || is_closed_) {
    return;
  }
  try {
    callback(argument);
  } catch (...) {  // as the interface says, it is not heard of
  }
}

void Trainer::Session::on_step(const actors::StepSummary& summary) {
  {
    const std::lock_guard lock(mutex_);
    status_.steps = summary.step + 1;
    status_.version = summary.version;
    status_.loss = summary.loss;
    // The epoch's end follows at once and says it all.
    step_has_ended_ = summary.step_in_epoch + 1 < summary.steps_in_epoch;
  }
  call_back(options_.on_step, StepReport{summary.step, summary.epoch, summary.version, summary.loss,
                                         summary.gradient_norm, summary.learning_rate});
}

void Trainer::Session::on_epoch(const actors::EpochSummary& summary) {
  const std::lock_guard lock(mutex_);
  status_.epochs = summary.epoch + 1;
  epoch_has_ended_ = true;
}

void Trainer::Session::on_notice(const actors::Notice& notice) {
  call_back(options_.on_notice, notice.text);
}

}  // namespace nodezero
