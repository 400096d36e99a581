// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>

namespace nodezero::apps {

struct HostOptions {
  std::string connect;        ///< address of the root
  std::string secret;         ///< file
  std::string name;           ///< empty: this machine's
  std::string listen = ":0";  ///< for other hosts
  std::uint32_t threads = 0;
  std::uint64_t wait_s = 600;  ///< for a root that is not there
};

/// Lends this machine to a run until that ends. Needs neither data nor a configuration.
/// @throws CommandError, CommandExit
void host_command(const HostOptions& options);

}  // namespace nodezero::apps
