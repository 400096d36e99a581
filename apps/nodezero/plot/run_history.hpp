// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <vector>

#include "apps/nodezero/plot/drawing.hpp"

namespace nodezero::apps {

/// What a run's metric files tell, by step.
struct RunHistory {
  std::vector<Point> training;  ///< loss
  std::vector<Point> validation;
  std::vector<Point> learning_rate;
};

/// Reads metrics.jsonl and evaluations.jsonl of a run folder, also while the run writes them.
/// @throws CommandError if the folder has no steps
RunHistory read_history(const std::filesystem::path& folder);

}  // namespace nodezero::apps
