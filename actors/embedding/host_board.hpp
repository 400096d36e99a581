// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "actors/run/batch_queue.hpp"
#include "actors/telemetry.hpp"
#include "model/storage/checkpoint.hpp"
#include "nodezero/trainer.hpp"

namespace nodezero::actors {

/// How far a host's training is; any thread may read it at any time. The run notes its steps here,
/// which also calls the host's callbacks; the keeper notes when runs begin and end.
class HostBoard : public Observer {
 public:
  using Clock = std::chrono::steady_clock;

  /// `queue`: null if batches are a function.
  HostBoard(const TrainerOptions& options, std::shared_ptr<const BatchQueue> queue);

  Status status() const;
  /// Whether that many steps are done, or nobody is going to do them.
  bool has_come(std::uint64_t steps) const;
  /// Waits for that; false if the deadline came first.
  bool wait_for(std::uint64_t steps, Clock::time_point deadline) const;
  /// What has happened since the last call: the end of a step, of an epoch or of the run.
  Progress take_event();

  void set_time(double time);
  void set_threads(const Threads& threads);
  /// `restored`: forgets events of the previous run that nobody has taken.
  void run_begins(const model::TrainingProgress& progress, bool restored);
  /// `end`: finished or failed.
  void run_ends(Progress end, std::string failure);
  /// Ends all waiting. No callback is called from now on.
  void close();

  void on_step(const StepSummary& summary) override;
  void on_epoch(const EpochSummary& summary) override;
  void on_notice(const Notice& notice) override;

 private:
  bool is_over(std::uint64_t steps) const;

  const std::function<void(const StepReport&)> on_step_;
  const std::function<void(const std::string&)> on_notice_;
  const std::shared_ptr<const BatchQueue> queue_;
  const std::uint64_t batches_in_step_;

  mutable std::mutex mutex_;  ///< guards what follows
  mutable std::condition_variable changed_;
  Status status_;
  bool step_has_ended_ = false, epoch_has_ended_ = false;  ///< and the host has not asked since
  bool is_closed_ = false;
};

}  // namespace nodezero::actors
