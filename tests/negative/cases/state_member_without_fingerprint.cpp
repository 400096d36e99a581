// SPDX-License-Identifier: BSD-3-Clause

// All members of an actor's state go into its fingerprint: one that has none must say that it is
// left out.
// expect: no fingerprint of this type
#include <functional>

#include "runtime/fingerprint.hpp"

using nodezero::runtime::ActorKeys;
using nodezero::runtime::Unseen;

struct State {
  std::uint64_t step = 0;
#ifdef NODEZERO_MISUSE
  std::function<void()> then;
#else
  Unseen<std::function<void()>> then;
#endif
};

std::uint64_t state_digest(const ActorKeys& keys, const State& state) {
  return nodezero::runtime::fingerprint(keys, state);
}
