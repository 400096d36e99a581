// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <variant>
#include <vector>

#include "actors/gradient_pool.hpp"
#include "actors/hosts/block_link.hpp"
#include "actors/hosts/block_sums.hpp"
#include "actors/hosts/messages.hpp"
#include "actors/hosts/shares.hpp"
#include "actors/spheres/sphere.hpp"
#include "model/training/gradient_sums.hpp"
#include "model/training/trained_model.hpp"
#include "runtime/explorable.hpp"
#include "runtime/recorded.hpp"

namespace nodezero::actors {

struct ExchangeSettings {
  std::uint32_t machine = 0;
  coordinator_actor root;     ///< the coordinator on this machine; null if it is on another
  runtime::Peer coordinator;  ///< the same or a remote one
  SphereSettingsPtr spheres;  ///< of the subtree that computes here
  std::shared_ptr<const model::TensorLayout> layout;   ///< of a gradient
  model::GradientSums additions;                       ///< how gradients are added
  std::shared_ptr<const model::TrainedModel> trained;  ///< null at the root, where nothing crosses
  optimizer_actor optimizer;  ///< this machine's replica; null at the root, where node_zero asks it
  Envelope here;              ///< where the run stands
  ParametersPtr weights;      ///< of that version
  model::TrainingProgress progress;  ///< the same, for who takes the run up; not at the root
};

/// One on each machine. Has the control subtree below it compute the machine's positions, and adds
/// the sums of all machines: each owns some blocks, gets those from the others, adds them along the
/// position tree, and hands each sum with its norm to all. When every machine has every block, the
/// coordinator says `commit`, and each applies the same sum to its own replica.
class exchange : public runtime::recorded<exchange_actor::base>, public runtime::Explorable {
 public:
  exchange(caf::actor_config& config, ExchangeSettings settings);

  const char* name() const override { return "exchange"; }
  void on_exit() override;
  std::uint64_t state_digest(const runtime::ActorKeys& keys) const override;
  const char* state_name() const override;

 protected:
  behavior_type make_behavior() override;
  std::uint32_t trace_number() const override { return settings_.machine; }

 private:
  /// A sum that was computed here; shared with the messages that carry its blocks. It counts in
  /// those terms that give its node to this machine.
  struct OwnSum {
    PositionRange range;
    model::LossSum loss;
    std::shared_ptr<GradientLease> gradient;
    std::vector<double> squared_norms;
  };
  /// What this machine computes of a step; it outlives the step's terms.
  struct Step {
    Envelope envelope;
    std::uint32_t positions = 0;
    std::deque<PositionRange> waiting;  ///< those that are not being computed yet
    std::optional<assign> computing;
    caf::actor_clock::time_point computing_since;
    std::uint32_t computed = 0;  ///< positions
    std::chrono::microseconds computing_time{};
    caf::actor_clock::time_point computed_at;  ///< the last of them, or the step's begin
    std::vector<OwnSum> sums;
    std::uint64_t weights_hash = 0;  ///< of a block of the weights that it computes with
    std::map<std::uint32_t, std::optional<std::uint64_t>> findings;  ///< by audited position
    PositionTree tree() const { return PositionTree(positions); }
    bool will_have(PositionRange node) const;
    /// Without what only tells how fast this machine is.
    auto fields() const {
      return std::tie(envelope, positions, waiting, computing, sums, weights_hash, findings);
    }
  };
  /// The sum of all machines.
  struct Term {
    wire::plan plan;
    std::vector<PositionRange> mine;  ///< the nodes whose sums are this machine's to give
    BlockSums sums;
    std::vector<double> squared_norms;
    std::vector<bool> has_block;
    std::size_t blocks_missing = 0;
    std::uint64_t sum_hash = 0;  ///< of the blocks that are there, in any order
    bool is_gathered = false;
    /// Shared with the messages that carry its blocks; leased when the first block has come.
    std::shared_ptr<GradientLease> sum;
    bool is_mine(PositionRange node) const { return std::ranges::find(mine, node) != mine.end(); }
    /// Its own nodes follow from the plan. Without the sum, of which only those blocks count that
    /// are there.
    auto fields() const {
      return std::tie(plan, sums, squared_norms, has_block, blocks_missing, sum_hash, is_gathered);
    }
  };
  using Early = std::variant<wire::part, wire::sum>;

  void take_plan(const wire::plan& plan);
  void open_term(const wire::plan& plan);
  void take_work(const wire::work& work);
  void compute_next();
  void take_ranges();
  void take_audited();
  void take_back_up(const wire::back_up& message);
  void take_own_sum(const gradient& message);
  void take_report(const report& message);
  void send_parts(const OwnSum& own);
  template <class Message>
  void take_block(const Message& message);
  void handle(const wire::part& part);
  void handle(const wire::sum& sum);
  void put_part(std::uint32_t block, PositionRange range, runtime::Floats values);
  void put_sum(std::uint32_t block, double squared_norm);
  void take_credit(std::uint32_t blocks);
  void report_if_gathered();
  void apply_sum(const wire::commit& commit);
  void apply_here(apply message, const model::TrainingProgress& after);
  void applied(const optimizer_complete& proof);
  caf::result<missed_applied> take_missed(const apply_missed& message);
  void apply_next_missed();
  caf::result<handed_over> hand_over_state();
  void finish_handing_over();
  void close_step();
  void give_up();
  void tell_progress();
  void fail(const std::string& reason);

  bool is_root() const { return settings_.root != nullptr; }
  GradientLease take_sum();
  model::Gradient& sum() { return **term_->sum; }
  const wire::Member& owner_of(std::uint32_t block) const {
    return term_->plan.members[block % term_->plan.members.size()];
  }
  BlockLink& link_to(const wire::Member& member);

  ExchangeSettings settings_;
  sphere_actor control_;
  std::size_t blocks_ = 0;  ///< of a gradient
  /// Of what is kept beyond the lanes' own, whose number is bounded.
  std::shared_ptr<GradientPool> gradients_;
  Envelope here_;          ///< version: what this machine has
  ParametersPtr weights_;  ///< of that version
  bool is_applying_ = false;
  model::TrainingProgress progress_;        ///< of the version that this machine has
  model::TrainingProgress progress_after_;  ///< of that which is being applied
  struct Missed {
    apply_missed step;
    caf::typed_response_promise<missed_applied> applied;
  };
  std::deque<Missed> missed_;  ///< that are not being applied yet
  caf::typed_response_promise<missed_applied> applying_missed_;
  caf::typed_response_promise<handed_over> handing_over_;
  std::optional<wire::plan> later_plan_;  ///< of a version that this machine does not have yet
  std::map<std::pair<std::uint64_t, std::uint32_t>, wire::Tokens> batches_;  ///< by step, position
  std::optional<Step> step_;
  std::optional<Term> term_;
  std::uint64_t last_term_ = 0;
  std::uint64_t blocks_taken_ = 0;  ///< for the watchdog
  struct EarlyBlock {
    Early block;
    runtime::Peer sender;
  };
  std::vector<EarlyBlock> early_;  ///< of terms whose plans have not come; without credit
  std::map<std::uint32_t, BlockLink> links_;  ///< by machine
};

}  // namespace nodezero::actors
