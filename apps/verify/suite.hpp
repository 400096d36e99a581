#pragma once

#include <vector>

#include "apps/verify/session.hpp"

namespace nodezero::apps::verify {

/// What is asked of the protocol: `name` groups questions whose answers are added up.
struct SuiteEntry {
  std::string name;
  Question question;
  std::uint64_t schedules = 0;  ///< of random and pct
};

/// All questions, or those that together take a minute.
std::vector<SuiteEntry> suite(bool full);

}  // namespace nodezero::apps::verify
