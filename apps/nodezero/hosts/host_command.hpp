// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>

#include "apps/nodezero/hosts/credentials.hpp"

namespace nodezero::apps {

struct HostOptions {
  std::string connect;  ///< address of the root
  Credentials credentials;
  std::string name;           ///< empty: this machine's
  std::string listen = ":0";  ///< for other hosts
  std::uint32_t threads = 0;
  std::uint64_t memory = 0;    ///< bytes that the run may take here; 0: what is available
  std::uint64_t wait_s = 600;  ///< for a root that is not there
  double host_timeout_s = 5;   ///< without a sign of life a connection is taken for dead
  std::string trace = {};      ///< file to record every message in, or a folder for it; empty: none
};

/// Lends this machine to a run until that ends. Needs neither data nor a configuration.
/// @throws CommandError, CommandExit
void host_command(const HostOptions& options);

}  // namespace nodezero::apps
