// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "actors/mutant.hpp"
#include "verify/scenarios/small_case.hpp"

namespace nodezero::verify {

/// A fault of the verification build, or several at once where one guard hides the absence of
/// another.
struct MutantEntry {
  std::string name;
  std::vector<actors::Mutant> mutants;
  std::string what;        ///< it does, in words
  std::string rows;        ///< of the regressions that it repeats, such as A1
  std::string equivalent;  ///< why no schedule can show it; empty if one must
};

std::vector<MutantEntry> mutant_entries();

/// The questions that are asked of each fault, one after the other, until one shows it.
std::vector<Question> mutant_questions();

/// How a fault was found.
struct Kill {
  std::uint64_t asked = 0;  ///< schedules, or states, over all questions up to the violation
  Case small;               ///< what shows it
  std::string diagram;
};

/// Asks the questions in a mode, `schedules` times each where schedules are drawn.
std::optional<Kill> kill(const std::vector<actors::Mutant>& mutants, Mode mode,
                         std::uint64_t schedules);

}  // namespace nodezero::verify
