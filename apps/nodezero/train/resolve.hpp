// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "apps/nodezero/options/given_options.hpp"
#include "apps/nodezero/options/train_options.hpp"

namespace nodezero::apps {

/// The options of a new run: what was given, else the preset's value, else the default.
/// Paths become absolute, so that the run can be resumed from anywhere.
/// @throws CommandError if values cannot work together
TrainOptions resolve_new_run(const GivenOptions& given);

/// The options of a run that goes on: those of its record, with what was given where that
/// may change. Data and the like are compared by content elsewhere, not by path.
/// @throws CommandError that names the first option that differs and may not, and both values
TrainOptions resolve_resumed_run(const TrainOptions& recorded, const GivenOptions& given);

}  // namespace nodezero::apps
