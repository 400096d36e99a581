// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/process/open_files.hpp"

#include <sys/resource.h>

namespace nodezero::apps {

void allow_many_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

}  // namespace nodezero::apps
