// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/hosts/cluster.hpp"

#include <charconv>
#include <initializer_list>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/process/environment.hpp"

namespace nodezero::apps {
namespace {

std::optional<std::uint32_t> as_number(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_whole = error == std::errc() && end == text.data() + text.size();
  return is_whole && !text.empty() ? std::optional(number) : std::nullopt;
}

/// Of the first of the variables that is there.
std::optional<std::uint32_t> number_in(const Environment& environment,
                                       std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (const char* const value = environment(name)) {
      if (const auto number = as_number(value)) {
        return number;
      }
      throw CommandError(exit_bad_input,
                         fmt::format("{} must be a whole number, not '{}'", name, value));
    }
  }
  return std::nullopt;
}

[[noreturn]] void refuse(const char* option, const char* launcher, const char* variables) {
  throw CommandError(exit_bad_input,
                     fmt::format("--cluster {} is for processes that {} has started: {} is not set",
                                 option, launcher, variables));
}

ClusterRole of_slurm(const Environment& environment) {
  const auto number = number_in(environment, {"SLURM_PROCID"});
  if (!number) {
    refuse("slurm", "srun", "SLURM_PROCID");
  }
  return {*number, number_in(environment, {"SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"}).value_or(0),
          ""};
}

ClusterRole of_mpi(const Environment& environment) {
  const auto number = number_in(environment, {"OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK"});
  if (!number) {
    refuse("mpi", "mpirun", "none of OMPI_COMM_WORLD_RANK, PMI_RANK and PMIX_RANK");
  }
  return {*number, number_in(environment, {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}).value_or(0), ""};
}

/// The pods of a set are called NAME-0, NAME-1, ...; with a service each is found by that name.
ClusterRole of_index(const Environment& environment) {
  const char* const host = environment("HOSTNAME");
  const std::string_view name = host == nullptr ? "" : host;
  const auto dash = name.rfind('-');
  const auto ordinal = dash == name.npos ? std::nullopt : as_number(name.substr(dash + 1));
  const auto number = number_in(environment, {"JOB_COMPLETION_INDEX"});
  if (!number && !ordinal) {
    refuse("index", "Kubernetes", "HOSTNAME does not end in a number, and JOB_COMPLETION_INDEX");
  }
  ClusterRole role{number ? *number : *ordinal, 0, ""};
  const char* const service = environment("NODEZERO_SERVICE");
  if (service != nullptr && ordinal) {
    role.root = fmt::format("{}-0.{}", name.substr(0, dash), service);
  }
  return role;
}

}  // namespace

Cluster cluster_named(const std::string& name) {
  return name == "slurm" ? Cluster::slurm : name == "mpi" ? Cluster::mpi : Cluster::index;
}

ClusterRole cluster_role(Cluster cluster, const Environment& environment) {
  switch (cluster) {
    case Cluster::slurm:
      return of_slurm(environment);
    case Cluster::mpi:
      return of_mpi(environment);
    case Cluster::index:
      return of_index(environment);
    case Cluster::none:
      break;
  }
  return {};
}

std::string name_in_cluster(const ClusterRole& role) {
  return fmt::format("{}-{}", host_name(), role.number);
}

}  // namespace nodezero::apps
