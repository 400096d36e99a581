// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace nodezero::apps {

/// Who has started the processes of a run, one on each machine, all with the same command.
enum class Cluster {
  none,
  slurm,  ///< srun
  mpi,    ///< mpirun, of Open MPI, MPICH or Intel MPI
  index,  ///< an Indexed Job or a StatefulSet of Kubernetes
};

/// By the name that the command line has for it, which must be one of the three.
Cluster cluster_named(const std::string& name);

/// What one of them is to do.
struct ClusterRole {
  std::uint32_t number = 0;     ///< 0 is the root, all others are hosts
  std::uint32_t processes = 0;  ///< in all; 0: not known
  std::string root;  ///< where hosts find it by name; empty: in the run's folder, on a shared disk

  bool is_root() const { return number == 0; }
};

/// A variable of the environment, or null.
using Environment = std::function<const char*(const char* name)>;

/// What the environment says that this process is.
/// @throws CommandError if it does not say so, with the variables that were looked for
ClusterRole cluster_role(Cluster cluster, const Environment& environment);

/// What a run calls a host that a cluster has started: its machine's name and its number, because
/// several may be on one machine.
std::string name_in_cluster(const ClusterRole& role);

}  // namespace nodezero::apps
