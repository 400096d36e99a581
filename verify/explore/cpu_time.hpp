// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ctime>

namespace nodezero::verify::explore {

/// Seconds of processor time that the calling thread has used.
inline double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace nodezero::verify::explore
