// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>

#include "actors/hosts/state_of_run.hpp"
#include "apps/nodezero/train/train_command.hpp"

namespace nodezero::apps {

/// Makes a run folder from what a host still has of a run whose root is gone, so that it can be
/// resumed there.
/// @throws CommandError if the folder is in use or the host has no state to give
void take_up_run(const std::filesystem::path& folder, const Listening& listening);

/// What hosts keep for that: run.json as it is now, and what checkpoints hold beside the state.
actors::RunFiles files_for_taking_up(const PreparedRun& run);

}  // namespace nodezero::apps
