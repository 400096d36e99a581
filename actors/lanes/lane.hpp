// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>

#include "actors/lane_messages.hpp"
#include "actors/lane_times.hpp"
#include "model/training/gradient_sums.hpp"
#include "model/training/trained_model.hpp"
#include "runtime/recorded.hpp"

namespace nodezero::actors {

/// One core: computes what it is given, one thing at a time, on a thread of its own (in
/// place under the testing scheduler). Owns the model's workspace; knows no protocol.
class lane : public runtime::recorded<lane_actor::base> {
 public:
  /// What is drawn at random is keyed by the seed of `training`, which also says how gradients are
  /// added. Adds to `times` how long it computed; may be null. `number` tells lanes apart in
  /// traces.
  lane(caf::actor_config& config, std::uint32_t number,
       std::shared_ptr<const model::TrainedModel> model, const model::TrainingConfig& training,
       std::shared_ptr<LaneTimes> times);

  const char* name() const override { return "lane"; }

 protected:
  behavior_type make_behavior() override;
  std::uint32_t trace_number() const override { return number_; }

 private:
  Partial run(const compute& task);
  void run(const sum_shard& shard);
  void run(const update_shard& task);
  void run(const generate_some& task);
  static void name_weights(const generate_some& task);
  bool begin(GenerationSession& session, const Envelope& envelope);
  static void take_news(GenerationSession& session);

  std::uint32_t number_;
  std::shared_ptr<const model::TrainedModel> trained_;
  std::unique_ptr<model::LaneModel> model_;
  std::uint64_t seed_;
  model::GradientSums sums_;
  std::shared_ptr<LaneTimes> times_;
};

}  // namespace nodezero::actors
