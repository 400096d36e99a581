/* The bare epoch protocol, written down a second time, for the model checker Spin.
 *
 * A node with children sends each an assignment, and has closed the step when each has reported
 * once. A leaf reports when it gets its assignment. The root's step is the epoch; the update
 * that follows it is made at once. Work, gradients, weights, lanes and failures are left out.
 *
 * One transition is the handling of one message, and all messages in flight may be handled next:
 * the same steps that `nodezero verify --scope bare` takes. On any two nodes at most one
 * assignment and one report are in flight, so that a bit for each is the whole network.
 *
 * tree.pml, which the test writes, defines N (nodes, the root is 0), EPOCHS, parent(i) and
 * children(i), and DELIVERIES, the options of the loop: for each node i but the root
 * `:: atomic { assignment[i] -> handle_assignment(i) } :: atomic { report[i] -> handle_report(i) }`.
 * Faults are switched on by a definition.
 */
#include "tree.pml"

bit assignment[N];   /* on its way to the node */
bit report[N];       /* on its way from the node to its parent */
bit closed[N];       /* the parent has noted the node's report */
byte waiting[N];     /* reports that the node still wants; 0: no open step */
byte worked[N];      /* epochs in which the node, a leaf, has worked */
byte epoch = 0;
byte k;              /* 0 between two transitions */

inline open(p) {
  waiting[p] = children(p);
  k = 1;
  do
  :: k < N -> if
              :: parent(k) == p -> assignment[k] = 1; closed[k] = 0
              :: else -> skip
              fi; k++
  :: else -> break
  od; k = 0
}

inline answer_epoch() {
  k = 1;
  do
  :: k < N -> assert(children(k) > 0 || worked[k] == epoch + 1); k++
  :: else -> break
  od; k = 0;
  epoch++;
  if
  :: epoch < EPOCHS -> open(0)
  :: else -> skip
  fi
}

inline close(p) {
  if
  :: p == 0 -> answer_epoch()
  :: else -> report[p] = 1
  fi
}

inline handle_assignment(n) {
  assignment[n] = 0;
  if
  :: children(n) > 0 -> open(n);
#ifdef REPORT_BEFORE_CHILDREN
     report[n] = 1
#endif
  :: else ->
     worked[n]++;
#ifdef EMPTY_CHILD_SILENT
     if
     :: n == N - 1 -> skip
     :: else -> report[n] = 1
     fi
#else
     report[n] = 1
#endif
  fi
}

inline handle_report(n) {
  report[n] = 0;
  closed[n] = 1;
  if
  :: waiting[parent(n)] > 0 ->
     waiting[parent(n)]--;
#ifdef MESSAGES_COUNTED
     /* a gradient is counted as well */
     if
     :: waiting[parent(n)] > 0 -> waiting[parent(n)]--
     :: else -> skip
     fi;
#endif
     if
     :: waiting[parent(n)] == 0 -> close(parent(n))
     :: else -> skip
     fi
  :: else -> skip
  fi
}

active proctype network() {
  atomic {
    open(0)
#ifdef ANSWER_BEFORE_WORK
    ; answer_epoch()
#endif
  }
  do
  DELIVERIES
  :: atomic { epoch == EPOCHS -> break }
  od
}
