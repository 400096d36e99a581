// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/process/processor_features.hpp"

// Compiled as the rest of the program is. Such a macro is 1 if it is defined; otherwise its own
// name is left of it.
#define NODEZERO_TEXT(macro) #macro
#define NODEZERO_IS_NEEDED(macro, name) NODEZERO_TEXT(macro)[0] == '1',

constinit const bool nodezero_needed_features[] = {NODEZERO_PROCESSOR_FEATURES(NODEZERO_IS_NEEDED)};
