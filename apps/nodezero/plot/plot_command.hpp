// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

namespace nodezero::apps {

/// Draws the losses and the learning rate of a run into a .png or .svg, or the losses as text if no
/// file is named.
/// @throws CommandError
void plot_command(const std::string& run, const std::string& out);

}  // namespace nodezero::apps
