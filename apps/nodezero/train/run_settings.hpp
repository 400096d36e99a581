// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "actors/settings.hpp"
#include "apps/nodezero/train/data_set.hpp"

namespace nodezero::apps {

/// The actors' settings, except for the run's folder, its number and where it starts.
/// @throws CommandError with exit_bad_input
actors::RunSettings make_settings(const TrainOptions& options, const DataSet& data);

}  // namespace nodezero::apps
