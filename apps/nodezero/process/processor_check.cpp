// SPDX-License-Identifier: BSD-3-Clause

// Ends a program that was compiled for another processor than this one with a line that says so,
// instead of an illegal instruction somewhere. Compiled for any x86-64 processor, and run before
// the initialisers of all other files and libraries.

#include <cstring>
#include <unistd.h>

#include "apps/nodezero/process/processor_features.hpp"

namespace {

void check_processor() {
  __builtin_cpu_init();
  const char* missing = nullptr;
  const bool* needed = nodezero_needed_features;
#define NODEZERO_CHECK(macro, name)                 \
  if (*needed++ && !__builtin_cpu_supports(name)) { \
    missing = name;                                 \
  }
  NODEZERO_PROCESSOR_FEATURES(NODEZERO_CHECK)
#undef NODEZERO_CHECK
  if (missing == nullptr) {
    return;
  }
  char line[256] = "nodezero: error: this program was compiled for a processor with ";
  std::strcat(line, missing);
  std::strcat(line, ", which this one lacks: build it here, or with -DNODEZERO_NATIVE=OFF\n");
  [[maybe_unused]] const auto written = write(STDERR_FILENO, line, std::strlen(line));
  _exit(2);
}

}  // namespace

[[gnu::section(".preinit_array"), gnu::used]] static void (*const first)() = check_processor;
