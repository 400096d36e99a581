/* SPDX-License-Identifier: BSD-3-Clause */

/* To be preloaded: has the lanes of the program hang in their first micro-batch, as on a page that
 * does not come back from a disk, until somebody opens the pipe HANG_UNTIL_OPENED for writing.
 * Says "a lane hangs" on standard output when the first one does.
 *
 * A lane allocates its workspace then. The thread on which the other actors run has by that time
 * allocated a gradient for it, so the first of the program's threads to ask for memory is no lane.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Atomic pthread_t of_actors;
static atomic_int hanging;
static atomic_int released;

static int is_lane(void) {
  char name[16] = "";
  pthread_t nobody = 0;
  const pthread_t self = pthread_self();
  return pthread_getname_np(self, name, sizeof name) == 0 && strcmp(name, "nodezero.worker") == 0 &&
         !atomic_compare_exchange_strong(&of_actors, &nobody, self) && !pthread_equal(nobody, self);
}

void* aligned_alloc(size_t alignment, size_t size) {
  static const char says[] = "a lane hangs\n";
  const char* pipe = getenv("HANG_UNTIL_OPENED");
  if (pipe != NULL && is_lane() && !atomic_load(&released)) {
    if (!atomic_exchange(&hanging, 1) && write(STDOUT_FILENO, says, sizeof says - 1) < 0) {
      abort();
    }
    close(open(pipe, O_RDONLY));
    atomic_store(&released, 1);
  }
  return ((__typeof__(&aligned_alloc))dlsym(RTLD_NEXT, "aligned_alloc"))(alignment, size);
}
