// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "runtime/caf.hpp"

namespace nodezero::runtime {

/// What the actors of one system have to do, where the threads are a host's. For every job that
/// waits the host is handed a *ticket*, a function that does one job on the thread that calls it.
/// A thread that needs something of the actors does jobs itself meanwhile, so that it never waits
/// for a thread that does not come: the host's executor may be served by that thread alone, or
/// lose tickets. No thread is started.
///
/// Held by a shared_ptr: tickets keep it, and do nothing once the actor system has gone.
class HostJobs : public std::enable_shared_from_this<HostJobs>, private caf::execution_unit {
 public:
  /// Is to call the ticket once, soon, on any thread. May throw: then the job waits for the next.
  using Execute = std::function<void(std::function<void()> ticket)>;
  using Deadline = std::chrono::steady_clock::time_point;

  /// What becomes of a ticket that is called at once, inside of `execute`.
  enum class Nested {
    put_off,    ///< its job is done when the turn ends, and so are those that come of it
    give_back,  ///< as if it was lost, for work that never ends
  };

  explicit HostJobs(Execute execute, Nested nested = Nested::put_off)
      : nested_(nested), execute_(std::move(execute)) {}

  /// While it lives, this thread is busy with the actors, maybe holds locks, and a ticket that an
  /// executor calls at once, inside of `execute`, has to wait: see Nested.
  class Turn {
   public:
    /// Null: does nothing.
    explicit Turn(std::shared_ptr<HostJobs> jobs);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    friend class HostJobs;
    static Turn* of(const HostJobs& jobs);

    std::shared_ptr<HostJobs> jobs_;  ///< null in a turn that is not the outermost
    Turn* outer_ = nullptr;           ///< of other jobs, on the same thread
    std::size_t put_off_ = 0;         ///< tickets
  };

  /// While it lives, this thread sends to the actors from outside of a job. An actor has a message
  /// a moment before its job is here, and in that moment nobody must conclude that nothing is left
  /// to be done.
  class Sending {
   public:
    /// Null: does nothing.
    explicit Sending(const std::shared_ptr<HostJobs>& jobs);
    ~Sending();
    Sending(const Sending&) = delete;
    Sending& operator=(const Sending&) = delete;

   private:
    HostJobs* jobs_;
  };

  /// Has this called at the end of a turn, on any thread, as soon as no job runs.
  void at_rest(std::function<void()> last);
  /// Whether no job waits or runs.
  bool is_idle() const;

  /// Does jobs, and waits while others do, until `is_done`, which jobs make true. Returns false
  /// when none is left or running; with a deadline only then, at the end of the job in hand.
  bool help_until(const std::function<bool()>& is_done);
  bool help_until(const std::function<bool()>& is_done, Deadline deadline);

 private:
  class Ticket;
  friend class HostScheduler;

  // As the system's scheduler. What somebody outside of the jobs sends comes first: he waits.
  enum class Place { first, last };
  void attach(caf::actor_system& system, std::size_t throughput);
  void push(caf::resumable* job, Place place);
  void exec_later(caf::resumable* job) override { push(job, Place::last); }
  void close();

  bool help(const std::function<bool()>& is_done, const Deadline* deadline);
  bool run_one();
  void leave();
  void hand_out();
  void use_ticket();
  void give_back_ticket();

  const Nested nested_;
  std::size_t throughput_ = 1;  ///< messages that an actor handles in one job

  mutable std::mutex mutex_;  ///< guards what follows
  std::condition_variable changed_;
  Execute execute_;  ///< is called without the lock, while busy_ counts it
  std::deque<caf::resumable*> jobs_;
  std::size_t tickets_ = 0;   ///< that the host has; one for each job, or more
  std::size_t busy_ = 0;      ///< jobs that run, calls of execute_ and sends from outside
  std::uint64_t events_ = 0;  ///< jobs that have come and that have ended
  std::function<void()> last_;
  bool is_closed_ = false;
};

/// Has a system that is made with this configuration leave its work to `jobs`. Actors must not be
/// detached or block in it, and its clock never rings: how long a job waits is the host's affair.
void run_on_host(caf::actor_system_config& config, std::shared_ptr<HostJobs> jobs);

}  // namespace nodezero::runtime
