/* SPDX-License-Identifier: BSD-3-Clause */

/* Two-phase commit as bench/explore_compare.cpp has it: N participants, of which the last votes no,
 * and a coordinator that commits when ENOUGH have voted yes. A step handles one message;
 * deliveries.pml has the steps of each participant (scripts/compare-spin.sh). */

bool prepare[N];  /* on its way to participant i */
bool vote[N];     /* on its way from it */
byte finish[N];   /* on its way to it: 1 commit, 2 abort */
byte decided[N];  /* by it: 0 not yet, 1 commit, 2 abort */
byte yes;
bool has_decided; /* the coordinator */
bool committed;
bool aborted;
hidden byte k;

inline decide(i, what) {
  decided[i] = what;
  if :: what == 1 -> committed = true :: else -> aborted = true fi;
  assert(!(committed && aborted))
}

inline tell(what) {
  if
  :: !has_decided ->
     has_decided = true; k = 0;
     do :: k < N -> finish[k] = what; k++ :: else -> break od
  :: else
  fi
}

inline handle_prepare(i) {
  prepare[i] = false; vote[i] = true;
  if :: i == N - 1 -> decide(i, 2) :: else fi
}

inline handle_vote(i) {
  vote[i] = false;
  if
  :: i < N - 1 -> yes++; if :: yes == ENOUGH -> tell(1) :: else fi
  :: else -> tell(2)
  fi
}

inline handle_finish(i) {
  if :: decided[i] == 0 -> decide(i, finish[i]) :: else fi;
  finish[i] = 0
}

init {
  d_step {
    k = 0;
    do :: k < N -> prepare[k] = true; k++ :: else -> break od
  }
end:
  do
#include "deliveries.pml"
  od
}
