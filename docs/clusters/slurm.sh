#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A run on four machines of a SLURM cluster whose home folders are on a shared disk:
#
#   nodezero secret > run.secret && sbatch slurm.sh
#
# One process a machine: the first is the root, the others find it in the run's folder. A machine
# that fails takes its share along, and no more: the others go on. Submitted again, the run goes on
# from its last checkpoint.
#SBATCH --job-name=nodezero
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --time=24:00:00
#SBATCH --no-kill

resume=()
[ -e out/run/run.json ] && resume=(--resume)

srun --kill-on-bad-exit=0 nodezero train --preset gpt2-124m --data tokens.bin --out out/run "${resume[@]}" \
  --cluster slurm --secret run.secret
