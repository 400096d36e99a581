// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "runtime/trace/record.hpp"

namespace nodezero::runtime::trace {

/// False for what no recorder writes: a fact about a message that names none, the spawn of nobody,
/// or no fact at all.
constexpr bool is_possible(Kind kind, std::uint64_t message, std::uint32_t actor) {
  switch (kind) {
    case Kind::send:
    case Kind::begin:
    case Kind::end:
    case Kind::drop:
      return message != 0;
    case Kind::spawn:
      return actor != 0;
    default:
      return kind > Kind::none && kind <= Kind::summary;
  }
}

}  // namespace nodezero::runtime::trace
