// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "nodezero/error.hpp"
#include "runtime/caf.hpp"

namespace nodezero::runtime {

/// The threads of one actor system: workers, and one thread for the clock. CAF's own schedulers
/// start theirs in the middle of constructors, so that one that cannot be started ends the process
/// or has it wait for ever. These are started before the system is made, all or none.
///
/// The first worker does the jobs of all actors but of those that have been given one of the
/// others. Were messages handled by whoever is free, they would wake several threads at a time,
/// which take the cores from those that compute.
class OwnThreads {
 public:
  /// Fails with `failed`, saying how many threads were wanted and how many there could be, and has
  /// then ended those.
  static Result<std::shared_ptr<OwnThreads>> start(std::size_t workers);
  ~OwnThreads();
  OwnThreads(const OwnThreads&) = delete;
  OwnThreads& operator=(const OwnThreads&) = delete;

  std::size_t workers() const { return workers_.size(); }

 private:
  friend class ThreadScheduler;
  class Worker;
  class Clock;

  OwnThreads();
  void attach(caf::actor_system& system, std::size_t throughput);
  void push(caf::resumable* job);
  void give_worker(caf::resumable* job);
  void take_worker_back(caf::resumable* job);
  void enqueue(caf::resumable* job);
  Worker& worker_for(caf::resumable* job);
  void serve(Worker& worker);
  /// Ends the threads. What is still in the queue is never done.
  void end();

  std::size_t throughput_ = 1;  ///< messages that an actor handles in one job
  std::unique_ptr<Clock> clock_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> threads_;

  std::mutex mutex_;           ///< guards what follows, and the workers' jobs
  std::vector<Worker*> free_;  ///< that no actor has; without the first
  std::unordered_map<caf::resumable*, Worker*> worker_of_;
  bool is_ending_ = false;
};

/// Has a system that is made with this configuration leave its work to `threads`, which belong to
/// it alone. Actors must not be detached or block in it.
void run_on_threads(caf::actor_system_config& config, std::shared_ptr<OwnThreads> threads);

/// Gives an actor that computes or waits for long a worker of its own, if its system has OwnThreads
/// and one is left.
void give_worker(caf::actor_system& system, const caf::strong_actor_ptr& actor);

}  // namespace nodezero::runtime
