// SPDX-License-Identifier: BSD-3-Clause

// begin_epoch is not answered by an untyped promise, which would deliver anything.
// expect: unexpected handler at index 0
#include "tests/negative/node_zero_stub.hpp"

namespace actors = nodezero::actors;

actors::node_zero_actor::behavior_type node_zero(actors::node_zero_actor::pointer self) {
  return actors::node_zero_stub([self](const actors::begin_epoch&) {
#ifdef NODEZERO_MISUSE
    return self->make_response_promise();
#else
    return self->make_response_promise<actors::epoch_done>();
#endif
  });
}
