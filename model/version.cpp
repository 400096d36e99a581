// SPDX-License-Identifier: BSD-3-Clause
#include "nodezero/version.h"

extern "C" const char* nodezero_version(void) {
  return NODEZERO_VERSION_STRING;
}
