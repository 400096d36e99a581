// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>

#include "apps/nodezero/train/prepared_run.hpp"

namespace nodezero::apps {

/// How other machines take part in a run.
struct Listening {
  std::string address;         ///< for hosts to connect to; empty: none take part
  std::string secret;          ///< file with what they must have
  std::uint32_t hosts = 0;     ///< to wait for before the first step
  std::uint64_t wait_s = 600;  ///< for them, at most
};

/// Trains or, with `plan`, prints what would be done.
/// @throws CommandError, or CommandExit if a signal stopped the run
void train_command(const TrainRequest& request, const Listening& listening);

}  // namespace nodezero::apps
