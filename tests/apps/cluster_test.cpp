// SPDX-License-Identifier: BSD-3-Clause

// What a process that a cluster has started reads from its environment.

#include "apps/nodezero/hosts/cluster.hpp"

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "apps/nodezero/common.hpp"

namespace nodezero::apps {
namespace {

ClusterRole role(Cluster cluster, const std::map<std::string, std::string>& variables) {
  return cluster_role(cluster, [&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

TEST(ClusterTest, TakesItsPlaceFromSlurm) {
  const auto root = role(Cluster::slurm, {{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}});
  EXPECT_TRUE(root.is_root());
  EXPECT_EQ(root.processes, 4);
  // Those of a step may be fewer than those of its job.
  const auto host =
      role(Cluster::slurm,
           {{"SLURM_PROCID", "2"}, {"SLURM_NTASKS", "4"}, {"SLURM_STEP_NUM_TASKS", "3"}});
  EXPECT_EQ(host.number, 2);
  EXPECT_EQ(host.processes, 3);
  EXPECT_EQ(host.root, "");
}

TEST(ClusterTest, TakesItsPlaceFromEitherMpi) {
  const auto open_mpi =
      role(Cluster::mpi, {{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "2"}});
  EXPECT_EQ(open_mpi.number, 1);
  EXPECT_EQ(open_mpi.processes, 2);
  const auto mpich = role(Cluster::mpi, {{"PMI_RANK", "0"}, {"PMI_SIZE", "8"}});
  EXPECT_TRUE(mpich.is_root());
  EXPECT_EQ(mpich.processes, 8);
}

TEST(ClusterTest, FindsTheRootOfAnIndexByItsName) {
  // A StatefulSet.
  const auto pod = role(Cluster::index, {{"HOSTNAME", "my-run-3"}, {"NODEZERO_SERVICE", "train"}});
  EXPECT_EQ(pod.number, 3);
  EXPECT_EQ(pod.root, "my-run-0.train");
  // An Indexed Job on a shared disk.
  const auto job = role(Cluster::index, {{"HOSTNAME", "my-run-3"}, {"JOB_COMPLETION_INDEX", "3"}});
  EXPECT_EQ(job.number, 3);
  EXPECT_EQ(job.root, "");
  EXPECT_EQ(job.processes, 0);
}

TEST(ClusterTest, SaysWhatIsMissing) {
  const auto refusal = [](Cluster cluster, const std::map<std::string, std::string>& variables) {
    try {
      role(cluster, variables);
    } catch (const CommandError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(refusal(Cluster::slurm, {}).find("SLURM_PROCID is not set"), std::string::npos);
  EXPECT_NE(refusal(Cluster::mpi, {}).find("OMPI_COMM_WORLD_RANK"), std::string::npos);
  EXPECT_NE(refusal(Cluster::index, {{"HOSTNAME", "moon"}}).find("JOB_COMPLETION_INDEX"),
            std::string::npos);
  EXPECT_EQ(refusal(Cluster::slurm, {{"SLURM_PROCID", "-1"}}),
            "SLURM_PROCID must be a whole number, not '-1'");
}

}  // namespace
}  // namespace nodezero::apps
