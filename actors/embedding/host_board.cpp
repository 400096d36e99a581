// SPDX-License-Identifier: BSD-3-Clause
#include "actors/embedding/host_board.hpp"

#include <utility>

namespace nodezero::actors {
namespace {

/// Ignores what the callback throws, as the interface says.
template <class Callback, class Argument>
void call_back(const Callback& callback, const Argument& argument) {
  try {
    callback(argument);
  } catch (...) {
  }
}

}  // namespace

HostBoard::HostBoard(const TrainerOptions& options, std::shared_ptr<const BatchQueue> queue)
    : on_step_(options.on_step),
      on_notice_(options.on_notice),
      queue_(std::move(queue)),
      batches_in_step_(options.micro_batches) {
  status_.time = options.start_time;
}

Status HostBoard::status() const {
  std::unique_lock lock(mutex_);
  Status status = status_;
  lock.unlock();
  if (queue_) {
    const auto counts = queue_->counts();
    status.taken = status.steps * batches_in_step_;
    status.waiting = counts.waiting;
    status.dropped = counts.dropped;
  }
  return status;
}

bool HostBoard::has_come(std::uint64_t steps) const {
  const std::lock_guard lock(mutex_);
  return is_over(steps);
}

bool HostBoard::is_over(std::uint64_t steps) const {
  return status_.steps >= steps || status_.progress != Progress::working || is_closed_;
}

bool HostBoard::wait_for(std::uint64_t steps, Clock::time_point deadline) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, deadline, [&] { return is_over(steps); });
}

Progress HostBoard::take_event() {
  const std::lock_guard lock(mutex_);
  const bool step_has_ended = std::exchange(step_has_ended_, false);
  if (std::exchange(epoch_has_ended_, false)) {
    return Progress::epoch_done;
  }
  return step_has_ended ? Progress::step_done : status_.progress;
}

void HostBoard::set_time(double time) {
  const std::lock_guard lock(mutex_);
  status_.time = time;
}

void HostBoard::set_threads(const Threads& threads) {
  const std::lock_guard lock(mutex_);
  status_.threads = threads;
}

void HostBoard::run_begins(const model::TrainingProgress& progress, bool restored) {
  const std::lock_guard lock(mutex_);
  if (restored) {
    step_has_ended_ = epoch_has_ended_ = false;
  }
  status_.progress = Progress::working;
  status_.failure.clear();
  status_.steps = progress.step;
  status_.epochs = progress.epoch;
  status_.version = progress.version;
}

void HostBoard::run_ends(Progress end, std::string failure) {
  const std::lock_guard lock(mutex_);
  status_.progress = end;
  status_.failure = std::move(failure);
  changed_.notify_all();
}

void HostBoard::close() {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  changed_.notify_all();
}

void HostBoard::on_step(const StepSummary& summary) {
  std::unique_lock lock(mutex_);
  status_.steps = summary.step + 1;
  status_.version = summary.version;
  status_.loss = summary.loss;
  // At the end of an epoch, on_epoch follows at once and is the event.
  step_has_ended_ = summary.step_in_epoch + 1 < summary.steps_in_epoch;
  changed_.notify_all();
  const bool calls_back = on_step_ && !is_closed_;
  lock.unlock();
  if (calls_back) {
    call_back(on_step_, StepReport{summary.step, summary.epoch, summary.version, summary.loss,
                                   summary.gradient_norm, summary.learning_rate});
  }
}

void HostBoard::on_epoch(const EpochSummary& summary) {
  const std::lock_guard lock(mutex_);
  status_.epochs = summary.epoch + 1;
  epoch_has_ended_ = true;
}

void HostBoard::on_notice(const Notice& notice) {
  std::unique_lock lock(mutex_);
  const bool calls_back = on_notice_ && !is_closed_;
  lock.unlock();
  if (calls_back) {
    call_back(on_notice_, notice.text);
  }
}

}  // namespace nodezero::actors
