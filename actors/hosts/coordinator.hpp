// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "actors/gradient_pool.hpp"
#include "actors/hosts/block_link.hpp"
#include "actors/hosts/host_settings.hpp"
#include "actors/hosts/messages.hpp"
#include "actors/hosts/shares.hpp"
#include "actors/spheres/sphere.hpp"
#include "runtime/recorded.hpp"

namespace nodezero::actors {

/// How the machines of a run stand, for people.
struct HostsStatus {
  struct Machine {
    std::string name;
    std::string address;  ///< for other hosts; may be empty
    std::string standing;
    std::uint32_t lanes = 0;
    double micro_batches_per_second = 0;  ///< 0: not known
    std::uint32_t micro_batches = 0;      ///< of the last step that was planned
  };
  std::uint64_t step = 0;  ///< steps that are done
  std::uint64_t term = 0;
  std::vector<Machine> machines;  ///< the root's first
};

struct CoordinatorSettings {
  SphereSettingsPtr spheres;
  std::shared_ptr<const model::TensorLayout> layout;
  optimizer_actor optimizer;
  observer_actor observer;
  HostSettings told;    ///< what hosts are told of the run
  std::string version;  ///< of the program
  std::uint64_t run = 0;
  std::uint64_t self_test = 0;     ///< self_test() here
  std::uint32_t wanted = 0;        ///< hosts without which the run does not begin
  std::chrono::seconds wait{600};  ///< for them, at most
  /// Called with how the run stands, at most once a second. May be empty.
  std::function<void(const HostsStatus&)> on_status;
};

/// node_zero's only child if other machines take part: plans who computes which positions of a step
/// and who adds which blocks, and says `commit` when every machine has the whole sum. Admits hosts,
/// gives them the state between two steps, and plans a step anew when one is lost. To node_zero it
/// is a sphere that computes whole steps.
class coordinator : public runtime::recorded<coordinator_actor::base> {
 public:
  coordinator(caf::actor_config& config, CoordinatorSettings settings);

  const char* name() const override { return "coordinator"; }
  void on_exit() override;

 protected:
  behavior_type make_behavior() override;

 private:
  /// How fast a machine computes.
  struct Rate {
    double micro_batches_per_second = 0;  ///< smoothed; 0: not known yet
    std::uint32_t steps_slow = 0;         ///< in a row
  };
  enum class Standing {
    admitted,   ///< knows the settings, has no state
    receiving,  ///< gets the state
    ready,      ///< takes part from the next plan on
  };
  struct Host {
    std::uint32_t machine = 0;
    std::string name;
    std::uint64_t process = 0;
    std::string address;  ///< for other hosts; may be empty
    std::uint32_t lanes = 1;
    Standing standing = Standing::admitted;
    runtime::Peer session;
    runtime::Peer exchange;
    Rate rate;
    BlockLink state;  ///< blocks of the state on their way to the session
    bool is_leaving = false;
  };
  /// Who computes what in the open step.
  struct Member {
    std::uint32_t machine = 0;
    runtime::Peer exchange;
    double speed = 1;
    std::vector<PositionRange> ranges;
    bool has_gathered = false;
    std::uint64_t weights_hash = 0;
    std::vector<LossOfNode> nodes;
  };
  struct OpenStep {
    assign step;
    std::uint64_t term = 0;  ///< 0: not planned yet
    std::vector<Member> members;
    std::optional<model::LossSum> committed;  ///< with the loss of the whole step
    std::uint32_t positions() const { return step.batches->range().last; }
  };

  void begin(const assign& message);
  void go_on();
  void send_state(const optimizer_complete& proof);
  void plan_step();
  void plan_again(std::uint32_t lost);
  void send_plan();
  void send_work(const Member& member, const std::vector<PositionRange>& ranges);
  void take_gathered(const wire::gathered& message);
  bool put_out_those_that_differ();
  void measure(const wire::gathered& message);
  double speed_of(std::uint32_t lanes, const Rate& rate) const;
  void tell_status();
  void take_sum(const summed& message);
  void give_up();
  void step_lost(const std::string& reason, Member* member);

  void take_join(const wire::join& message);
  void take_ready(const wire::ready& message);
  void take_credit(std::uint32_t blocks);
  void take_unreachable(const wire::unreachable& message);
  void host_down(const caf::down_msg& down);
  void lose(std::vector<Host>::iterator host, const std::string& reason);
  caf::result<hosts_ended> end(const end_hosts&);
  void say_who_is_missing();

  Member* sender_in_step();
  std::uint32_t count(Standing standing) const;
  std::string standing_of_run() const;
  void notice(std::string text);

  CoordinatorSettings settings_;
  exchange_actor exchange_;  ///< of this machine
  parent_actor parent_;
  std::vector<Host> hosts_;
  std::uint32_t last_machine_ = 0;
  std::uint64_t last_term_ = 0;
  Rate own_rate_;
  caf::actor_clock::time_point last_status_{};
  std::optional<OpenStep> open_;
  bool is_asking_for_state_ = false;
  bool has_begun_ = false;  ///< the wanted hosts were there once
  bool is_waiting_ = false;
  std::chrono::steady_clock::time_point waits_until_{};
  caf::typed_response_promise<hosts_ended> ending_;
};

}  // namespace nodezero::actors
