// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "verify/mutants/mutant.hpp"
#include "verify/scenarios/small_case.hpp"

namespace nodezero::mutants {

/// How a mutant was noticed.
struct Kill {
  std::uint64_t asked = 0;  ///< schedules, or states, over all questions up to the violation
  verify::Case small;       ///< what shows it
  std::string diagram;
};

/// Switches the mutant on, with those that it names, and asks one question after the other until
/// one shows it: in each `schedules` schedules are drawn, or 20 times as many states are visited.
std::optional<Kill> kill(const Mutant& mutant, verify::Mode mode, std::uint64_t schedules);

/// The questions, in this order.
std::vector<verify::Question> questions();

}  // namespace nodezero::mutants
