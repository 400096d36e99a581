// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <string>

#include "actors/hosts/hosts_status.hpp"

namespace nodezero::apps {

/// In the folder of a run that listens: how its machines stood a moment ago.
inline constexpr auto hosts_file = "hosts.json";

void write_hosts(const std::filesystem::path& folder, const actors::HostsStatus& status);

/// Prints the machines of a run, as a table or as JSON.
/// @throws CommandError if the folder has no run that listens
void hosts_command(const std::string& folder, bool json);

}  // namespace nodezero::apps
