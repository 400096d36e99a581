// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "apps/nodezero/plot/drawing.hpp"
#include "apps/nodezero/plot/run_history.hpp"

namespace nodezero::apps {

/// Losses above, the learning rate below, over the steps of a run.
Drawing draw_losses(const RunHistory& history);

/// The losses in a few lines of text: '.' for training, 'o' for validation. Empty if there are
/// fewer than two steps.
std::string losses_as_text(const RunHistory& history);

}  // namespace nodezero::apps
