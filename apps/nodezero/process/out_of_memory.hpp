// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace nodezero::apps {

/// From now on the process ends with one line and exit code 1 wherever memory ends, in a library's
/// thread as well, and with nothing else: what is on the disk is whole at every moment. Call it
/// first in main.
void end_where_memory_ends();

}  // namespace nodezero::apps
