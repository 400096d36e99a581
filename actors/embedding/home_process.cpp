// SPDX-License-Identifier: BSD-3-Clause
#include "actors/embedding/home_process.hpp"

#include <atomic>
#include <pthread.h>

namespace nodezero::actors {
namespace {

/// How many forks lie between this process and the one that the library was loaded in.
unsigned current_generation() {
  static std::atomic<unsigned> generation{0};
  static const int registered = ::pthread_atfork(nullptr, nullptr, [] { ++generation; });
  static_cast<void>(registered);
  return generation;
}

}  // namespace

HomeProcess::HomeProcess() : generation_(current_generation()) {}

bool HomeProcess::is_here() const {
  return generation_ == current_generation();
}

}  // namespace nodezero::actors
