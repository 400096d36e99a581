// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace nodezero::apps {

/// Lets the process open as many files as the system allows it. Large data files stay open, and the
/// usual limit of 1,024 is meant for programs that watch files with select().
void allow_many_open_files();

}  // namespace nodezero::apps
