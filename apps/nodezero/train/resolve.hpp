// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "apps/nodezero/options/given_options.hpp"
#include "apps/nodezero/options/train_options.hpp"

namespace nodezero::apps {

/// The options of a new run: the given value, or else the preset's, or else the default.
/// Paths become absolute, so that the run can be resumed from any folder.
/// @throws CommandError if the values contradict each other
TrainOptions resolve_new_run(const GivenOptions& given);

/// The options of a resumed run: those in its record, with the given ones in place of those that
/// may change. Data is compared elsewhere, by content and not by path.
/// @throws CommandError naming the first option that may not change but does, with both values
TrainOptions resolve_resumed_run(const TrainOptions& recorded, const GivenOptions& given);

}  // namespace nodezero::apps
