/* SPDX-License-Identifier: BSD-3-Clause */

/* To be preloaded: has the n-th call of a kind fail that asks the system for something, as a full
 * disk, a limit or a lack of memory would. Calls count from the start of main on, those that the C
 * library makes for itself among them.
 *
 *   FAULT_CALL   write, fsync, rename, mmap, thread or memory
 *   FAULT_NTH    the call that fails, from 1; 0: none
 *   FAULT_COUNT  a file to write the number of calls to at the end
 *
 * Requests for memory are counted where they are made, in malloc. The kernel tells a second process
 * of all others, and that says which of them are to be done: see seccomp_unotify(2). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static struct {
  const char* name;
  int numbers[4]; /* of the system's calls; unused ones repeat the first */
  int error;
  unsigned first_file; /* files below are let through: what people read */
} const kinds[] = {
    {"write", {SYS_write, SYS_writev, SYS_pwrite64, SYS_write}, ENOSPC, 3},
    {"fsync", {SYS_fsync, SYS_fdatasync, SYS_fsync, SYS_fsync}, EIO, 0},
    {"rename", {SYS_rename, SYS_renameat, SYS_renameat2, SYS_rename}, ENOSPC, 0},
    {"mmap", {SYS_mmap, SYS_mmap, SYS_mmap, SYS_mmap}, ENOMEM, 0},
    {"thread", {SYS_clone, SYS_clone3, SYS_clone, SYS_clone}, EAGAIN, 0},
};

/* In memory that the second process shares. */
struct shared {
  atomic_long calls;
  atomic_int listener; /* its number, once it is there; then -1 for "taken" */
};

static struct shared* shared;
static long failing;
static atomic_int
    memory_fails; /* whether requests for memory are what counts, and main has begun */

static int is_the_one(void) {
  return atomic_fetch_add(&shared->calls, 1) + 1 == failing;
}

static void give_up(const char* what) {
  perror(what);
  _exit(99);
}

/* The second process: answers every call of the kind until nobody is left who could make one. */
static void answer_calls(int error) {
  for (int listener; (listener = atomic_load(&shared->listener)) == 0;) {
    sched_yield();
  }
  const int listener = atomic_load(&shared->listener);
  if (unshare(CLONE_FILES) != 0) {
    give_up("fail_nth_call: unshare");
  }
  atomic_store(&shared->listener, -1);
  for (int file = 0; file < 64; ++file) { /* whoever reads them waits for all who could write */
    if (file != listener) {
      close(file);
    }
  }
  for (;;) {
    struct pollfd waiting = {listener, POLLIN, 0};
    if (poll(&waiting, 1, -1) < 0 || (waiting.revents & POLLIN) == 0) {
      _exit(0);
    }
    struct seccomp_notif call;
    memset(&call, 0, sizeof call);
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) {
      continue; /* whoever called was killed meanwhile */
    }
    struct seccomp_notif_resp answer = {call.id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    if (is_the_one()) {
      answer.error = -error;
      answer.flags = 0;
    }
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
  }
}

static int ask_about(const int numbers[4], unsigned first_file) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, numbers[0], 4, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, numbers[1], 3, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, numbers[2], 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, numbers[3], 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, first_file, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
  };
  const struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    give_up("fail_nth_call: prctl");
  }
  return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                      &program);
}

static int (*real_main)(int, char**, char**);

static int counted_main(int argc, char** argv, char** environment) {
  const char* call = getenv("FAULT_CALL");
  const char* nth = getenv("FAULT_NTH");
  failing = nth != NULL ? atol(nth) : 0;
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) {
    give_up("fail_nth_call: mmap");
  }
  for (size_t i = 0; call != NULL && i < sizeof kinds / sizeof *kinds; ++i) {
    if (strcmp(call, kinds[i].name) == 0) {
      const pid_t second =
          (pid_t)syscall(SYS_clone, CLONE_FILES, NULL, NULL, NULL, 0); /* no signal when it ends */
      if (second < 0) {
        give_up("fail_nth_call: clone");
      }
      if (second == 0) {
        answer_calls(kinds[i].error);
      }
      const int listener = ask_about(kinds[i].numbers, kinds[i].first_file);
      if (listener < 0) {
        kill(second, SIGKILL);
        give_up("fail_nth_call: seccomp");
      }
      for (atomic_store(&shared->listener, listener); atomic_load(&shared->listener) != -1;) {
        sched_yield();
      }
      close(listener);
    }
  }
  atomic_store(&memory_fails, call != NULL && strcmp(call, "memory") == 0);
  return real_main(argc, argv, environment);
}

int __libc_start_main(int (*main)(int, char**, char**), int argc, char** argv, void (*init)(void),
                      void (*finish)(void), void (*loader_finish)(void), void* stack_end) {
  real_main = main;
  int (*start)(int (*)(int, char**, char**), int, char**, void (*)(void), void (*)(void),
               void (*)(void), void*) = dlsym(RTLD_NEXT, "__libc_start_main");
  return start(counted_main, argc, argv, init, finish, loader_finish, stack_end);
}

__attribute__((destructor)) static void report(void) {
  const char* path = getenv("FAULT_COUNT");
  if (path != NULL && shared != NULL) {
    const long calls = atomic_load(&shared->calls);
    FILE* file = fopen(path, "w");
    if (file != NULL) {
      fprintf(file, "%ld\n", calls);
      fclose(file);
    }
  }
}

static int out_of_memory(void) {
  if (!atomic_load(&memory_fails) || !is_the_one()) {
    return 0;
  }
  errno = ENOMEM;
  return 1;
}

/* dlsym itself may ask for memory, so these use glibc's second names. */
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);

void* malloc(size_t size) {
  return out_of_memory() ? NULL : __libc_malloc(size);
}

void* calloc(size_t count, size_t size) {
  return out_of_memory() ? NULL : __libc_calloc(count, size);
}

void* realloc(void* old, size_t size) {
  return out_of_memory() ? NULL : __libc_realloc(old, size);
}

void* aligned_alloc(size_t alignment, size_t size) {
  return out_of_memory() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void** out, size_t alignment, size_t size) {
  if (out_of_memory()) {
    return ENOMEM;
  }
  *out = __libc_memalign(alignment, size);
  return *out != NULL ? 0 : ENOMEM;
}
