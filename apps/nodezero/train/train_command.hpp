// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>

#include "apps/nodezero/hosts/cluster.hpp"
#include "apps/nodezero/hosts/credentials.hpp"
#include "apps/nodezero/train/prepared_run.hpp"

namespace nodezero::apps {

/// How other machines take part in a run.
struct Listening {
  std::string address;         ///< for hosts to connect to; empty: none take part
  Credentials credentials;     ///< what they must have as well
  std::string from;            ///< a host whose root is gone, to take the run up from; may be empty
  std::uint32_t hosts = 0;     ///< to wait for before the first step
  std::uint64_t wait_s = 600;  ///< for them, at most
  double audit = 0;            ///< share of micro-batches that two machines compute
  double host_timeout_s = 5;   ///< without a sign of life a host is lost
  /// Who has started this command on every machine: the first is the root, others become hosts.
  Cluster cluster = Cluster::none;
};

/// Trains or, with `plan`, prints what would be done.
/// @throws CommandError, or CommandExit if a signal stopped the run
void train_command(const TrainRequest& request, const Listening& listening);

}  // namespace nodezero::apps
