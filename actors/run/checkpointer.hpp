// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>

#include "actors/interfaces.hpp"
#include "actors/settings.hpp"
#include "model/storage/checkpoint.hpp"
#include "runtime/recorded.hpp"

namespace nodezero::actors {

/// Writes files, on a thread of its own, so that no step waits for a disk. What it writes is
/// immutable, and appears whole or not at all. It answers with ErrorCode::failed, which ends the
/// run, if the settings' `before_saving` says that nothing may be saved any more.
class checkpointer : public runtime::recorded<checkpointer_actor::base> {
 public:
  explicit checkpointer(caf::actor_config& config, const RunSettings& settings);

  const char* name() const override { return "checkpointer"; }

 protected:
  behavior_type make_behavior() override;

 private:
  caf::result<saved> write(const save& request);
  caf::result<saved> write(const save_best& request);
  Result<void> may_save(const model::Checkpoint* checkpoint) const;
  Result<void> write_model(const std::filesystem::path& folder,
                           const model::Parameters& weights) const;

  std::filesystem::path folder_;  ///< empty: nothing is written
  std::function<Result<void>(const model::Checkpoint*)> before_saving_;
  model::ModelConfig model_;
  model::Companions companions_;
  model::CheckpointFolder checkpoints_;
};

}  // namespace nodezero::actors
