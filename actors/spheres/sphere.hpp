// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "actors/interfaces.hpp"
#include "actors/settings.hpp"
#include "actors/spheres/step_reduction.hpp"
#include "actors/spheres/topology.hpp"
#include "model/training/adamw.hpp"
#include "runtime/explorable.hpp"
#include "runtime/recorded.hpp"

namespace nodezero::actors {

/// What all spheres of a run share.
struct SphereSettings {
  lane_scheduler_actor lanes;
  std::uint32_t lane_count = 1;
  observer_actor observer;
  std::shared_ptr<const std::vector<TopologyNode>> tree;
  std::uint32_t symmetry = 12;
  RoutingPolicy routing = RoutingPolicy::balanced;
  std::vector<double> token_frequencies;
  std::uint32_t attempts = 3;
  std::chrono::milliseconds stall_timeout{};
};
using SphereSettingsPtr = std::shared_ptr<const SphereSettings>;

/// Spawns a node of the tree; a control spawns what is below it.
sphere_actor spawn_sphere(caf::local_actor& spawner, const SphereSettingsPtr& settings,
                          const TopologyNode& place, const parent_actor& parent);

/// What a sphere keeps of the step that is open.
struct OpenStep {
  assign step;
  StepReduction reduction;
  model::LossSum loss;                  ///< of what has come, in order of arrival
  std::vector<std::uint32_t> attempts;  ///< failures of each micro-batch, where there are children
  std::uint32_t spheres_busy = 0;       ///< workers that computed something
};

/// What worker and control, and node_zero at the root, have in common: they sum what is
/// wholly their own along the position tree and pass the rest upwards.
template <class Base>
class summing_sphere : public runtime::recorded<Base>, public runtime::Explorable {
 public:
  /// Answers are for the step that was open when they were asked for.
  std::uint64_t continuation(const runtime::ActorKeys&) const override { return sums_.generation; }
  const char* state_name() const override { return is_open() ? "open" : "closed"; }

 protected:
  summing_sphere(caf::actor_config& config, SphereSettingsPtr settings, const TopologyNode& place)
      : runtime::recorded<Base>(config), settings_(std::move(settings)), place_(place) {}

  /// There is only one root.
  std::uint32_t trace_number() const override {
    return place_.level == 0 ? runtime::trace::Actor::unnumbered : place_.id;
  }

  /// What the parent is told of an assignment that cannot be: positions that the step does not have
  /// or that come twice, or not as many attempts.
  std::optional<step_failed> refusal_of(const assign& step) const {
    const auto& positions = step.positions;
    const auto range = step.batches ? step.batches->range() : PositionRange{};
    const bool ascend =
        std::ranges::adjacent_find(positions, std::greater_equal()) == positions.end();
    const bool exist =
        positions.empty() || (positions.front() >= range.first && positions.back() < range.last);
    const bool counted = step.attempts.empty() || step.attempts.size() == positions.size();
    if (step.weights && step.batches && ascend && exist && counted) {
      return std::nullopt;
    }
    return step_failed{
        step.envelope,
        step.purpose,
        {ErrorCode::conservation, "the sphere was assigned what its step does not have",
         at(step.envelope, place_.id)}};
  }

  /// Discards the open step, if any, and opens the assigned one.
  void open(const assign& step) {
    ++sums_.generation;
    sums_.open.emplace(OpenStep{step, {step.batches->tree(), step.positions}, {}, {}, 0});
  }

  /// Nothing of the step is kept or will be heard of again.
  void close() {
    sums_.generation += is_open() ? 1 : 0;
    sums_.open.reset();
  }

  bool is_open() const { return sums_.open.has_value(); }
  OpenStep& open_step() { return *sums_.open; }
  const assign& step() const { return sums_.open->step; }

  /// True for a message of the open step.
  bool is_of_open_step(const Envelope& envelope, Purpose purpose) const {
    return is_open() && step().envelope == envelope && step().purpose == purpose;
  }

  /// True if an answer that was asked for in that generation is for the open step.
  bool is_current(std::uint64_t generation) const { return generation == sums_.generation; }

  /// Counts the loss of a part of the open step.
  void count(const model::LossSum& part) { open_step().loss = open_step().loss + part; }
  /// Puts a part that is acceptable into the step's sum.
  void put(Partial part) { handle(open_step().reduction.put(std::move(part))); }
  /// What this sphere tells its parent when it closes the step.
  report report_of_step() const {
    const auto& open = *sums_.open;
    return {step().envelope,  step().purpose, place_.id,
            step().positions, open.loss,      open.spheres_busy};
  }

  /// Takes a sum whose sibling is somebody else's, or the step's whole sum.
  virtual void pass_up(Partial sum) = 0;
  /// A lane could not do its work.
  virtual void sum_failed(Error reason) = 0;

  /// The part of the state that all spheres have.
  struct Sums {
    std::optional<OpenStep> open;
    std::uint64_t generation = 0;  ///< answers to an earlier one are not for the open step
  };

  SphereSettingsPtr settings_;
  TopologyNode place_;
  Sums sums_;

 private:
  void handle(StepReduction::Outcome outcome) {
    if (auto* up = std::get_if<StepReduction::PassUp>(&outcome)) {
      pass_up(std::move(up->sum));
    } else if (auto* pair = std::get_if<StepReduction::Combine>(&outcome)) {
      combine_pair(std::move(*pair));
    }
  }

  void combine_pair(StepReduction::Combine pair) {
    pair.left.range.last = pair.right.range.last;
    pair.left.loss = pair.left.loss + pair.right.loss;
    if (step().purpose == Purpose::evaluate) {
      handle(open_step().reduction.put_combined(std::move(pair.left)));
      return;
    }
    const std::size_t blocks = model::norm_block_count(*(*pair.left.gradient).layout());
    // The last sum takes the norms along, and nothing else is left for other lanes to do.
    const bool is_last = pair.left.range == step().batches->range();
    if (is_last) {
      pair.left.squared_norms.resize(blocks);
    }
    const std::uint32_t shards =
        is_last || blocks >= least_blocks_to_split
            ? std::min(settings_->lane_count, static_cast<std::uint32_t>(blocks))
            : 1;
    const auto task =
        std::make_shared<SumTask>(std::move(pair.left), std::move(pair.right), shards);
    for (std::uint32_t i = 0; i < shards; ++i) {
      this->request(
              settings_->lanes, caf::infinite,
              sum_shard{step().envelope, task, blocks * i / shards, blocks * (i + 1) / shards})
          .then(
              [this, generation = sums_.generation, task, shards](const shard_done&) {
                if (++task->answered == shards && is_current(generation)) {
                  handle(open_step().reduction.put_combined(std::move(task->left)));
                }
              },
              [this, generation = sums_.generation](const caf::error& error) {
                if (is_current(generation)) {
                  sum_failed(to_error(error));
                }
              });
    }
  }

  /// Sums of 16 MiB and more are worth the messages of splitting them over the lanes.
  static constexpr std::size_t least_blocks_to_split = 64;
};

}  // namespace nodezero::actors
