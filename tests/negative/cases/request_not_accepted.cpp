// SPDX-License-Identifier: BSD-3-Clause

// Nobody but the lifecycle takes requests for text: inference does not know `generate`.
// expect: no matching function for call
// expect: response_type
#include "actors/interfaces.hpp"

namespace actors = nodezero::actors;

void ask(caf::event_based_actor* self, const actors::lifecycle_actor& lifecycle,
         const actors::inference_actor& inference, actors::generate request) {
#ifdef NODEZERO_MISUSE
  (void)lifecycle;
  self->request(inference, caf::infinite, std::move(request));
#else
  (void)inference;
  self->request(lifecycle, caf::infinite, std::move(request));
#endif
}
