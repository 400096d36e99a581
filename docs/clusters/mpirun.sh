#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A run on the machines of a hostfile, one process on each, with a shared disk. mpirun only starts
# the processes; without --bind-to none each would get a single core.
#
#   nodezero secret > run.secret && ./mpirun.sh hosts.txt
mpirun --hostfile "${1:?a hostfile}" --map-by ppr:1:node --bind-to none \
  nodezero train --preset gpt2-124m --data tokens.bin --out out/run --cluster mpi --secret run.secret
