// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace nodezero::apps {

/// Prints a new secret for the machines of a run. A file that standard output was redirected to is
/// made readable for its owner alone; a terminal is refused unless `print`.
void secret_command(bool print);

}  // namespace nodezero::apps
