// SPDX-License-Identifier: BSD-3-Clause

// Weights that travel are shared and therefore const.
// expect: assignment of read-only location
#include "actors/messages.hpp"

namespace actors = nodezero::actors;

void adjust(const actors::assign& work, nodezero::model::Parameters& own) {
#ifdef NODEZERO_MISUSE
  (void)own;
  work.weights->values()[0] = 1;
#else
  (void)work;
  own.values()[0] = 1;
#endif
}
