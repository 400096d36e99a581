// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <future>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "actors/hosts/host_session.hpp"
#include "actors/hosts/hosts_of_run.hpp"
#include "actors/hosts/self_test.hpp"
#include "model/storage/digest.hpp"
#include "runtime/ask.hpp"
#include "support/tiny_run.hpp"

namespace nodezero::actors::testing {

/// Keeps what is published: the machines are in this process.
class NoNetwork : public runtime::NetworkAccess {
 public:
  void configure(caf::actor_system_config&) override {}
  Result<std::string> publish(caf::actor_system&, const caf::strong_actor_ptr& actor) override {
    published = actor;
    return "here";
  }
  Result<caf::strong_actor_ptr> connect(caf::actor_system&, const std::string&) override {
    return published;
  }
  std::string own_address() const override { return ""; }
  void close() override { published = nullptr; }

  caf::strong_actor_ptr published;
};

inline RunSettings settings_of(std::uint32_t micro_batches) {
  auto settings = tiny_settings();
  settings.training.model.width = 64;
  settings.training.model.layers = 2;  // two blocks of gradients
  settings.training.model.dropout = 0.1;
  settings.training.micro_batches = micro_batches;
  settings.training.epochs = 1;
  settings.validation_batches = nullptr;
  settings.threads = 1;
  const std::vector<std::uint32_t> steps{micro_batches, micro_batches, 1, micro_batches};
  settings.training_batches =
      std::make_shared<CountedBatches>(std::vector<std::vector<std::uint32_t>>{steps}, 8, 16);
  return settings;
}

/// A run with hosts, whose messages are delivered in an order drawn by a seed.
class Machines {
 public:
  Machines(const RunSettings& settings, std::uint32_t wanted, std::uint64_t seed, double audit = 0)
      : settings_(settings),
        random_(seed),
        network_(std::make_shared<NoNetwork>()),
        others_({.network = network_,
                 .version = "test",
                 .audit = audit,
                 .wanted = wanted,
                 .on_address = [](const std::string&) {}}),
        config_(others_),
        system_(config_),
        scheduler_(dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler())),
        actors_(
            spawn_run_with(others_, system_, runtime::Scheduling::testing, settings_, recorder_)) {}

  ~Machines() {
    for (const auto& host : hosts_) {
      caf::anon_send_exit(host, caf::exit_reason::kill);
    }
    hosts_.clear();
    others_.break_off();
    actors_.send_exit();
    actors_ = {};
    answer_ = {};
    while (step()) {
    }
  }

  void join() { join_through(door()); }
  /// For a host that takes another actor for the root's.
  void join_through(const runtime::Peer& door) {
    first_ids_.push_back(system_.next_actor_id());
    hosts_.push_back(system_.spawn<host_session>(HostSessionSettings{
        .coordinator = door,
        .name = "host-" + std::to_string(++names_),
        .version = "test",
        .threads = 1,
        .say = [](const std::string&) {},
        .on_end = [this](const HostEnd& end) { host_ends_.push_back(end.text); }}));
  }

  /// One of the hosts that are left dies.
  void kill() {
    if (!hosts_.empty()) {
      const auto host = hosts_.begin() + static_cast<std::ptrdiff_t>(below(hosts_.size()));
      caf::anon_send_exit(*host, caf::exit_reason::kill);
      hosts_.erase(host);
    }
  }

  std::size_t below(std::size_t bound) { return random_() % bound; }

  /// Another run follows, with the same lanes. `others` are to be the hosts, or to pass what they
  /// are asked on to them. @throws what they do; then the run that there was is still there
  void follow(OtherMachines& others) {
    auto run = spawn_run(system_, settings_, actors_.workers, &others);
    actors_.leave_workers();
    actors_ = std::move(run);
  }
  HostsOfRun& others() { return others_; }
  /// Of the run that follows.
  RunSettings& settings() { return settings_; }

  /// What hosts connect to.
  runtime::Peer door() const { return runtime::Peer(network_->published); }
  caf::actor_system& system() { return system_; }

  /// Has timers fire that are due by then.
  void pass(std::chrono::milliseconds time) { scheduler_.advance_time(time); }

  void start() { answer_ = runtime::ask<run_ended>(system_, actors_.driver, run_all{}); }

  /// The lane of a machine does nothing until it is released; 0 is the root, and hosts are counted
  /// as they have joined, each when those before had settled.
  void hold(std::size_t machine) { held_ = machine; }
  void release() { held_.reset(); }

  /// Delivers one message, any of those that are next at their actor; false if there is none.
  bool step() {
    auto& jobs = scheduler_.jobs;
    const auto held =
        std::partition(jobs.begin(), jobs.end(), [this](auto* job) { return !is_held(*job); });
    if (held == jobs.begin()) {
      return false;
    }
    const auto count = static_cast<std::size_t>(held - jobs.begin());
    const auto job = jobs.begin() + static_cast<std::ptrdiff_t>(below(count));
    std::rotate(jobs.begin(), job, job + 1);
    return scheduler_.try_run_once();
  }

  bool has_ended() {
    return answer_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }

  std::string digest() {
    const auto answer = answer_.get();
    if (!answer || answer->reason) {
      return answer ? to_string(*answer->reason) : to_string(answer.error());
    }
    return model::digest(*answer->checkpoint.weights) +
           model::digest(*answer->checkpoint.optimizer);
  }

  const std::vector<std::string>& notices() const { return recorder_.notices; }
  /// Why hosts have ended their part, in that order.
  const std::vector<std::string>& host_ends() const { return host_ends_; }

 private:
  struct Config : caf::actor_system_config {
    explicit Config(HostsOfRun& others) {
      runtime::configure(*this, runtime::Scheduling::testing);
      others.configure(*this);
    }
  };

  bool is_held(caf::resumable& job) const {
    const auto* actor = held_ ? dynamic_cast<caf::scheduled_actor*>(&job) : nullptr;
    return actor != nullptr && actor->name() == std::string("lane") &&
           (*held_ == 0 || actor->id() > first_ids_[*held_ - 1]) &&
           (*held_ == first_ids_.size() || actor->id() < first_ids_[*held_]);
  }

  RunSettings settings_;
  std::mt19937_64 random_;
  Recorder recorder_;
  std::shared_ptr<NoNetwork> network_;
  HostsOfRun others_;
  Config config_;
  caf::actor_system system_;
  caf::scheduler::test_coordinator& scheduler_;
  RunActors actors_;
  std::vector<host_session_actor> hosts_;
  std::future<Result<run_ended>> answer_;
  int names_ = 0;
  std::vector<std::string> host_ends_;
  std::optional<std::size_t> held_;
  std::vector<caf::actor_id> first_ids_;  ///< before each host's actors
};

/// The digest of the same run on one machine.
inline std::string alone(const RunSettings& settings) {
  const auto finished = run_to_end(settings);
  return finished.weights + finished.state;
}

}  // namespace nodezero::actors::testing
