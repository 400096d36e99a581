// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "actors/run/trainer.hpp"
#include "apps/nodezero/train/prepared_run.hpp"
#include "apps/nodezero/train/training_log.hpp"

namespace nodezero::apps {

/// What `nodezero train` prints before and after it trains.

/// Number of epochs that the plan enters; the last may be partial.
std::uint64_t epoch_count(const Plan& plan);

/// A few lines: model, data, steps, spheres as a tree, memory, folder.
std::string header_text(const PreparedRun& run);

/// The object "results" of run.json.
nlohmann::json results_json(const actors::TrainingResult& result, const TrainingLog& log,
                            const char* end);

/// Losses, time, digests, and what to do next.
std::string results_text(const PreparedRun& run, const actors::TrainingResult& result,
                         const nlohmann::json& results);

/// One clause that says what was saved and which command continues the run.
std::string resume_hint(const PreparedRun& run, const actors::TrainingResult& result);

}  // namespace nodezero::apps
