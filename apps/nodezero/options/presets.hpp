// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "apps/nodezero/options/train_options.hpp"

namespace nodezero::apps {

/// The options of a preset; everything that it does not care about has its default. An
/// empty name is no preset: the defaults alone.
/// @throws CommandError, naming the presets, if there is none of that name
TrainOptions preset_options(const std::string& name);

}  // namespace nodezero::apps
