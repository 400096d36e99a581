// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <optional>

#include "actors/interfaces.hpp"
#include "model/storage/checkpoint.hpp"
#include "model/text/tokenizer.hpp"
#include "runtime/recorded.hpp"

namespace nodezero::actors {

/// Writes files, on a thread of its own, so that no step waits for a disk. What it writes is
/// immutable, and appears whole or not at all.
class checkpointer : public runtime::recorded<checkpointer_actor::base> {
 public:
  /// An empty folder means that nothing is written.
  checkpointer(caf::actor_config& config, std::filesystem::path folder, model::ModelConfig model,
               std::optional<model::Tokenizer> tokenizer, std::uint32_t keep);

  const char* name() const override { return "checkpointer"; }

 protected:
  behavior_type make_behavior() override;

 private:
  caf::result<saved> write(const save& request);
  caf::result<saved> write(const save_best& request);
  Result<void> write_model(const std::filesystem::path& folder,
                           const model::Parameters& weights) const;

  std::filesystem::path folder_;
  model::ModelConfig model_;
  std::optional<model::Tokenizer> tokenizer_;
  model::CheckpointFolder checkpoints_;
};

}  // namespace nodezero::actors
