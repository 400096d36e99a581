// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "actors/run/other_machines.hpp"
#include "apps/nodezero/train/train_command.hpp"

namespace nodezero::apps {

/// @throws CommandError if the options on other machines do not fit together
void check_listening(const TrainRequest& request, const Listening& listening);

/// The other machines that take part, if that was asked for; else null. @throws CommandError
std::shared_ptr<actors::OtherMachines> other_machines(
    const Listening& listening, const PreparedRun& run,
    const std::function<void(const std::string&)>& say);

/// Removes what a run with hosts keeps in its folder for as long as they can connect.
void forget_machines(const std::filesystem::path& folder);

}  // namespace nodezero::apps
