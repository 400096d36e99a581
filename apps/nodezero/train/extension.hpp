// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "actors/settings.hpp"
#include "apps/nodezero/train/run_origin.hpp"
#include "model/training/batch_source.hpp"

namespace nodezero::apps {

/// The first step whose learning rate would have been another if the run had been planned with
/// `steps` from its start; `done` if there is none among the steps that are done.
std::uint64_t first_other_rate(const OptimizerOptions& optimizer,
                               const std::vector<RunOrigin::Length>& lengths, std::uint64_t done,
                               std::uint64_t steps);

/// Where a run goes on whose end has moved. A run that ended within an epoch, because its steps
/// were done, has closed that epoch; it goes on in the middle of it, as if it had been planned so.
model::TrainingProgress reopened(model::TrainingProgress progress,
                                 const model::BatchSource& batches);

/// Where a run goes on from the state of a host, which counts steps and does not know when an epoch
/// has had its last one.
model::TrainingProgress after_epoch(model::TrainingProgress progress, std::uint64_t steps_in_epoch);

/// One line on a run that gets another length: the learning rate before and after, and whether the
/// result is that of a run planned so, and if not, from which of the run's checkpoints it would be.
std::string describe_extension(const actors::RunSettings& settings,
                               const std::vector<RunOrigin::Length>& lengths);

}  // namespace nodezero::apps
