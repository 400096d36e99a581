// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <string>

#include "nodezero/nodezero.h"
#include "nodezero/trainer.hpp"

/// A handle of a caller's.
struct nodezero_machines {
  std::shared_ptr<nodezero::Machines> machines;
};

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

/// Writes as much as the caller's version of the struct holds; what this one does not know is 0.
template <class Struct>
void set_up(Struct* out, std::size_t size, const Struct& defaults) {
  if (out && size >= sizeof defaults.size) {
    std::memset(out, 0, size);
    std::memcpy(out, &defaults, std::min(size, sizeof defaults));
  }
}

/// A callback of a caller's that is told a text; null if there is none.
inline std::function<void(const std::string&)> telling(void (*call)(void* user, const char* text),
                                                       void* user) {
  if (!call) {
    return nullptr;
  }
  return [call, user](const std::string& text) { call(user, text.c_str()); };
}

/// Fails with invalid_argument if they were not set up or a choice is none of its values.
Result<TrainerOptions> to_options(const nodezero_options* given);

}  // namespace nodezero
