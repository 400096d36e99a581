// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace nodezero::actors {

/// Knows whether it is still in the process that it was made in, and not in a child that fork()
/// copied it into, without the process's threads. Asking takes no system call.
class HomeProcess {
 public:
  HomeProcess();
  bool is_here() const;

 private:
  unsigned generation_;
};

}  // namespace nodezero::actors
