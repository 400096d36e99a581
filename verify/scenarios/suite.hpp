// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "verify/scenarios/session.hpp"

namespace nodezero::verify {

/// What is asked of the protocol: `name` groups questions whose answers are added up.
struct SuiteEntry {
  std::string name;
  Question question;
  std::uint64_t schedules = 0;  ///< where schedules are drawn
};

/// All questions, or those that together take a minute.
std::vector<SuiteEntry> suite(bool full);

/// Answers the questions on `jobs` threads and calls `take` on this one, in order. Stops when
/// `take` returns false. What a question throws is thrown here.
void answer(const std::vector<SuiteEntry>& entries, std::uint32_t jobs,
            const std::function<bool(const SuiteEntry&, const explore::Report&)>& take);

}  // namespace nodezero::verify
