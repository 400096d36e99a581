// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "runtime/inspect/causal_order.hpp"

namespace nodezero::runtime::inspect {

/// Two events that together break a rule.
struct Violation {
  std::string rule;        ///< its name
  EventNumber first = 0;   ///< what was expected to be otherwise; 0: it is missing
  EventNumber second = 0;  ///< where the rule is broken
  std::string what;        ///< one sentence about this case
};

}  // namespace nodezero::runtime::inspect
