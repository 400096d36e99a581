// SPDX-License-Identifier: BSD-3-Clause

// begin_epoch is answered by an epoch_done and by nothing that resembles one.
// expect: unexpected handler at index 0
#include "tests/negative/node_zero_stub.hpp"

namespace actors = nodezero::actors;

actors::node_zero_actor::behavior_type node_zero() {
  return actors::node_zero_stub([](const actors::begin_epoch&) {
#ifdef NODEZERO_MISUSE
    return actors::report{};
#else
    return actors::epoch_done{};
#endif
  });
}
