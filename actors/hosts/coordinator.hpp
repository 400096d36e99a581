// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "actors/gradient_pool.hpp"
#include "actors/hosts/audit.hpp"
#include "actors/hosts/block_link.hpp"
#include "actors/hosts/host_settings.hpp"
#include "actors/hosts/hosts_status.hpp"
#include "actors/hosts/messages.hpp"
#include "actors/hosts/shares.hpp"
#include "actors/hosts/speeds.hpp"
#include "actors/hosts/state_of_run.hpp"
#include "actors/spheres/sphere.hpp"
#include "model/training/trained_model.hpp"
#include "runtime/explorable.hpp"
#include "runtime/recorded.hpp"

namespace nodezero::actors {

struct CoordinatorSettings {
  SphereSettingsPtr spheres;
  std::shared_ptr<const model::TrainedModel> trained;
  optimizer_actor optimizer;
  observer_actor observer;
  HostSettings told;    ///< what hosts are told of the run
  std::string version;  ///< of the program
  std::uint64_t run = 0;
  RunFiles files;                    ///< that hosts keep for who takes the run up elsewhere
  model::TrainingProgress progress;  ///< where the run stands
  std::uint64_t self_test = 0;       ///< self_test() here
  double audit = 0;                  ///< share of micro-batches that two machines compute
  std::uint32_t wanted = 0;          ///< hosts without which the run does not begin
  std::chrono::seconds wait{600};    ///< for them, at most
  /// Called with how the run stands, at most once a second. May be empty.
  std::function<void(const HostsStatus&)> on_status;
};

/// node_zero's only child if other machines take part: plans who computes which positions of a step
/// and who adds which blocks, and says `commit` when every machine has the whole sum. Admits hosts,
/// gives them the state while the others go on, and after it the sums of the steps that they have
/// missed, and plans a step anew when one is lost. To node_zero it is a sphere that computes whole
/// steps.
class coordinator : public runtime::recorded<coordinator_actor::base>, public runtime::Explorable {
 public:
  coordinator(caf::actor_config& config, CoordinatorSettings settings);

  const char* name() const override { return "coordinator"; }
  void on_exit() override;
  std::uint64_t state_digest(const runtime::ActorKeys& keys) const override;
  const char* state_name() const override;

 protected:
  behavior_type make_behavior() override;

 private:
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
    BlockLink state;  ///< blocks of the state on their way to the session
    bool is_leaving = false;
    std::uint64_t held_version = 0;  ///< that it says it has already, of this run
    std::uint64_t held_hash = 0;
    std::uint32_t steps_missed = 0;  ///< whose sums are on their way to the session
    /// Has the state, and every sum since.
    bool is_up_to_date() const { return standing == Standing::ready && state.is_idle(); }
    std::uint64_t steps = 0;  ///< of the run, that it has
    /// Its address and its lanes follow from the machine.
    auto fields() const {
      return std::tie(machine, name, process, standing, session, exchange, state, is_leaving,
                      held_version, held_hash, steps_missed, steps);
    }
  };
  /// Who computes what in the open step.
  struct Member {
    std::uint32_t machine = 0;
    runtime::Peer exchange;
    std::vector<PositionRange> ranges{};
    bool has_gathered = false;
    std::uint64_t weights_hash = 0;
    std::uint64_t sum_hash = 0;
    bool audits = false;                     ///< the step's audited micro-batch
    std::optional<std::uint64_t> finding{};  ///< for it
    std::vector<LossOfNode> nodes{};
    std::vector<PositionRange> finished{};  ///< nodes whose sums it has
  };
  /// A machine that computes what the slowest one has not finished.
  struct Backup {
    std::uint32_t slow = 0;
    std::uint32_t helper = 0;
    std::uint64_t term = 0;  ///< with which it ends
  };
  struct OpenStep {
    assign step;
    std::uint64_t term = 0;        ///< 0: not planned yet
    std::uint64_t first_term = 0;  ///< that it was planned in
    std::vector<Member> members;
    caf::actor_clock::time_point since;    ///< it was planned first
    std::optional<double> waited_seconds;  ///< for the sum, by the machine that computed longest
    std::uint64_t bytes_sent = 0;
    std::optional<std::uint32_t> audited;  ///< position of the micro-batch that two compute
    std::optional<Backup> backup;          ///< at most one per step
    /// When the last machine that computes counts as slow, if all others have finished.
    std::optional<caf::actor_clock::time_point> slow_from;
    std::optional<model::LossSum> committed;  ///< with the loss of the whole step
    std::uint32_t positions() const { return step.batches->range().last; }
    /// Without what only tells how long it took.
    auto fields() const {
      return std::tie(step, term, first_term, members, audited, backup, committed);
    }
  };

  void begin(const assign& message);
  void go_on();
  void send_states(const optimizer_complete& proof);
  bool waits_for_joiner() const;
  void send_missed(const Partial& sum, std::int64_t valid_tokens);
  void plan_step();
  void plan_again(std::uint32_t lost);
  std::vector<double> speeds_of(const std::vector<Member>& members) const;
  void send_plan();
  void send_work(const Member& member, const std::vector<PositionRange>& ranges);
  void take_gathered(const wire::gathered& message);
  bool put_out_those_that_differ();
  void plan_audit();
  bool put_out_the_outvoted();
  void audit_by_all();
  void put_out(std::uint32_t machine, const std::string& reason);
  void take_finished(const wire::finished& message);
  std::vector<PositionRange> unfinished(const Member& member) const;
  Member* last_to_finish();
  Member* helper_of(const Member& slow);
  caf::actor_clock::time_point slow_from(const Member& last);
  void watch_for_slow();
  void back_up();
  void use_backup();
  void commit();
  void count_step(const Envelope& envelope, const model::LossSum& loss);
  void measure(const wire::gathered& message);
  void measure_speed(std::uint32_t machine, std::uint32_t micro_batches,
                     std::chrono::microseconds time);
  void say_if_links_are_slow();
  void tell_status();
  HostsStatus::Machine status_of(const Host& host) const;
  caf::result<finished_count> count_finished_everywhere();
  void take_sum(const summed& message);
  void give_up();
  void take_failed(const wire::failed& message);
  void step_lost(const std::string& reason, Member* member);

  void take_join(const wire::join& message);
  void take_ready(const wire::ready& message);
  void take_credit(std::uint32_t blocks);
  void take_unreachable(const wire::unreachable& message);
  void host_down(const caf::down_msg& down);
  void lose(std::vector<Host>::iterator host, const std::string& reason);
  caf::result<hosts_ended> end(const end_hosts&);
  void send_back(const send_hosts_back& message);
  void say_who_is_missing();

  Member* sender_in_step();
  std::uint32_t count(Standing standing) const;
  std::string name_of(std::uint32_t machine) const;
  std::string standing_of_run() const;
  void notice(std::string text);

  CoordinatorSettings settings_;
  exchange_actor exchange_;  ///< of this machine
  parent_actor parent_;
  std::vector<Host> hosts_;
  std::uint32_t last_machine_ = 0;
  std::uint64_t last_term_ = 0;
  Speeds speeds_;
  Shares shares_;
  ExchangeCost cost_;
  std::map<std::uint32_t, double> link_bytes_per_second_;  ///< by machine
  std::uint32_t steps_with_slow_links_ = 0;                ///< in a row
  std::uint64_t events_ = 0;                               ///< for the watchdog
  std::map<std::uint32_t, std::uint64_t> events_there_;    ///< by machine, as they have said last
  caf::actor_clock::time_point last_status_{};
  std::optional<OpenStep> open_;
  model::TrainingProgress progress_;  ///< after the last step that was committed
  std::shared_ptr<GradientPool>
      gradients_;  ///< of sums on their way to hosts that have missed them
  bool is_asking_for_state_ = false;
  bool has_begun_ = false;    ///< the wanted hosts were there once
  bool has_planned_ = false;  ///< a step
  bool is_waiting_ = false;
  bool is_watching_ = false;  ///< a backup_tick is on its way
  std::chrono::steady_clock::time_point waits_until_{};
  caf::typed_response_promise<hosts_ended> ending_;
};

}  // namespace nodezero::actors
