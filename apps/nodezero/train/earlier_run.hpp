// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/nodezero/train/run_record.hpp"
#include "model/storage/checkpoint.hpp"
#include "model/storage/companions.hpp"
#include "model/text/tokenizer.hpp"

namespace nodezero::apps {

/// What earlier sessions left in a run folder.
struct EarlierRun {
  std::optional<RunRecord> record;
  std::optional<model::Checkpoint> checkpoint;
  std::string origin;            ///< of the checkpoint; empty if it does not say
  model::Companions companions;  ///< of the checkpoint
  std::optional<model::Tokenizer> tokenizer;
};

/// Reads it, with the newest checkpoint or that of `step`; what people should know goes to
/// `remarks`.
/// @throws CommandError with exit_bad_input for checkpoints without run.json
EarlierRun find_earlier_run(const std::filesystem::path& folder, std::optional<std::uint64_t> step,
                            std::vector<std::string>& remarks);

}  // namespace nodezero::apps
