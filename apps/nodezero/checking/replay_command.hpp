// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace nodezero::apps {

struct ReplayRequest {
  std::string file;
  std::optional<std::uint64_t> until;  ///< an event; none: the end
};

/// Replays a recorded run and prints whether everything happened as recorded.
/// @throws CommandError
void replay_command(const ReplayRequest& request);

}  // namespace nodezero::apps
