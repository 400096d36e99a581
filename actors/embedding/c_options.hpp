// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstring>

#include "nodezero/nodezero.h"
#include "nodezero/trainer.hpp"

namespace nodezero {

/// A struct of a caller that may know an earlier version of it.
template <class Struct>
Result<Struct> known_part(const Struct* given, void (*init)(Struct*, std::size_t)) {
  Struct known;
  init(&known, sizeof known);
  if (!given || given->size < sizeof given->size) {
    return fail(ErrorCode::invalid_argument,
                "options and models are set up by their _init function first");
  }
  std::memcpy(&known, given, std::min(given->size, sizeof known));
  return known;
}

/// Fails with invalid_argument if they were not set up or a choice is none of its values.
Result<TrainerOptions> to_options(const nodezero_options* given);

}  // namespace nodezero
