// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "verify/mutants/mutant.hpp"
#include "verify/scenarios/small_case.hpp"

namespace nodezero::mutants {

/// As long as it lives, the mutants of these names are switched on; there is one at a time.
class SwitchedOn {
 public:
  explicit SwitchedOn(std::span<const std::string_view> names);
  ~SwitchedOn();
  SwitchedOn(const SwitchedOn&) = delete;
  SwitchedOn& operator=(const SwitchedOn&) = delete;
};

/// The mutant and those that are switched on with it.
std::vector<std::string_view> names_of(const Mutant& mutant);

/// How a mutant was noticed.
struct Kill {
  std::uint64_t asked = 0;  ///< schedules, or states, over all questions up to the violation
  verify::Case small;       ///< what shows it
  std::string diagram;
};

/// Switches the mutant on, with those that it names, and asks one question after the other until
/// one shows it: in each `schedules` schedules are drawn, or 20 times as many states are visited.
std::optional<Kill> kill(const Mutant& mutant, verify::Mode mode, std::uint64_t schedules);

/// True for a mutant in what machines say to each other.
bool is_of_machines(const Mutant& mutant);

/// The questions that a mutant is asked, in this order: one in what machines say to each other is
/// asked others than one in what is on every machine.
std::vector<verify::Question> questions(const Mutant& mutant);

}  // namespace nodezero::mutants
