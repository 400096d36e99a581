// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

#include "apps/nodezero/options/train_options.hpp"

namespace nodezero::apps {

std::vector<std::string> preset_names();

/// The options of a preset, with defaults for what it does not set. An empty name gives the
/// defaults alone.
/// @throws CommandError listing the presets if there is none of that name
TrainOptions preset_options(const std::string& name);

}  // namespace nodezero::apps
