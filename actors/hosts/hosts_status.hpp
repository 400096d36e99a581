// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace nodezero::actors {

/// How the machines of a run stand, for people.
struct HostsStatus {
  struct Machine {
    std::string name;
    std::string address;  ///< for other hosts; may be empty
    std::string standing;
    std::uint32_t lanes = 0;
    double micro_batches_per_second = 0;  ///< 0: not known
    std::uint32_t micro_batches = 0;      ///< of the last step that was planned
    std::uint64_t steps = 0;              ///< of the run, that this machine has done or was given
    double bytes_per_second = 0;          ///< that its link carried while it sent; 0: not known
  };
  std::uint64_t step = 0;  ///< steps that are done
  std::uint64_t term = 0;
  double step_seconds = 0;        ///< smoothed, as what follows
  double exchange_seconds = 0;    ///< of a step, in which nobody computes
  double bytes_sent = 0;          ///< per step, by all machines together
  std::vector<Machine> machines;  ///< the root's first
};

}  // namespace nodezero::actors
