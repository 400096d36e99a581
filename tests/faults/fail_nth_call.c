/* SPDX-License-Identifier: BSD-3-Clause */

/* To be preloaded: has the n-th call of a function fail that asks the system for something, as a
 * full disk, a limit or a lack of memory would. Calls count from the start of main on.
 *
 *   FAULT_CALL   write, fsync, rename, mmap, thread or memory
 *   FAULT_NTH    the call that fails, from 1; 0: none
 *   FAULT_COUNT  a file to write the number of calls to at the end */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long calls;
static long failing;
static const char* call;
static atomic_int in_main;

/* Whether this call of `name` is the one. */
static int fails(const char* name) {
  if (!atomic_load(&in_main) || call == NULL || strcmp(call, name) != 0) {
    return 0;
  }
  return atomic_fetch_add(&calls, 1) + 1 == failing;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int (*real_main)(int, char**, char**);

static int counted_main(int argc, char** argv, char** environment) {
  call = getenv("FAULT_CALL");
  const char* nth = getenv("FAULT_NTH");
  failing = nth != NULL ? atol(nth) : 0;
  atomic_store(&in_main, 1);
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
  if (path != NULL && atomic_exchange(&in_main, 0)) {
    FILE* file = fopen(path, "w");
    if (file != NULL) {
      fprintf(file, "%ld\n", atomic_load(&calls));
      fclose(file);
    }
  }
}

ssize_t write(int file, const void* bytes, size_t count) {
  if (file > 2 && fails("write")) {
    errno = ENOSPC;
    return -1;
  }
  return REAL(write)(file, bytes, count);
}

int fsync(int file) {
  if (fails("fsync")) {
    errno = EIO;
    return -1;
  }
  return REAL(fsync)(file);
}

int rename(const char* from, const char* to) {
  if (fails("rename")) {
    errno = ENOSPC;
    return -1;
  }
  return REAL(rename)(from, to);
}

void* mmap(void* address, size_t length, int protection, int flags, int file, off_t offset) {
  if (fails("mmap")) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  return REAL(mmap)(address, length, protection, flags, file, offset);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*),
                   void* argument) {
  if (fails("thread")) {
    return EAGAIN;
  }
  return REAL(pthread_create)(thread, attributes, run, argument);
}

/* dlsym itself may ask for memory, so these use glibc's second names. */
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);

void* malloc(size_t size) {
  if (fails("memory")) {
    errno = ENOMEM;
    return NULL;
  }
  return __libc_malloc(size);
}

void* calloc(size_t count, size_t size) {
  if (fails("memory")) {
    errno = ENOMEM;
    return NULL;
  }
  return __libc_calloc(count, size);
}

void* realloc(void* old, size_t size) {
  if (fails("memory")) {
    errno = ENOMEM;
    return NULL;
  }
  return __libc_realloc(old, size);
}

void* aligned_alloc(size_t alignment, size_t size) {
  if (fails("memory")) {
    errno = ENOMEM;
    return NULL;
  }
  return __libc_memalign(alignment, size);
}

int posix_memalign(void** out, size_t alignment, size_t size) {
  if (fails("memory")) {
    return ENOMEM;
  }
  *out = __libc_memalign(alignment, size);
  return *out != NULL ? 0 : ENOMEM;
}
