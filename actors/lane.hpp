#pragma once

#include <cstdint>
#include <memory>

#include "actors/lane_messages.hpp"
#include "actors/lane_times.hpp"
#include "model/gpt2.hpp"
#include "model/training_config.hpp"
#include "runtime/recorded.hpp"

namespace nodezero::actors {

/// One core: computes what it is given, one thing at a time, on a thread of its own (in
/// place under the testing scheduler). Owns a workspace; knows no protocol.
class lane : public runtime::recorded<lane_actor::base> {
 public:
  /// Computes in training.precision, with dropout keyed by training.seed. Adds to `times` how
  /// long it computed; may be null. `number` tells lanes apart in traces.
  lane(caf::actor_config& config, std::uint32_t number, const model::TrainingConfig& training,
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

  std::uint32_t number_;
  model::ModelConfig model_;
  std::uint64_t seed_;
  model::Workspace workspace_;
  std::shared_ptr<LaneTimes> times_;
};

}  // namespace nodezero::actors
