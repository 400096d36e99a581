// SPDX-License-Identifier: BSD-3-Clause
#include <cstdio>

#include "apps/nodezero/process/processor_features.hpp"

// No processor has all of them: some are AMD's alone, some Intel's.
#define NODEZERO_NEEDED(macro, name) true,
constinit const bool nodezero_needed_features[] = {NODEZERO_PROCESSOR_FEATURES(NODEZERO_NEEDED)};

namespace {
const int initialised = std::puts("an initialiser");
}

int main() {
  return std::puts("main") < initialised ? 1 : 0;
}
