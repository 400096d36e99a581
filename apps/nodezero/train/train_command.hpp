// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "apps/nodezero/train/prepared_run.hpp"

namespace nodezero::apps {

/// Trains or, with `plan`, prints what would be done.
/// @throws CommandError, or CommandExit if a signal stopped the run
void train_command(const TrainRequest& request);

}  // namespace nodezero::apps
