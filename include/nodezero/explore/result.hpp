// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "nodezero/explore/options.hpp"
#include "nodezero/export.h"

namespace nodezero::explore {

/// What an exploration found.
struct Result {
  /// True if nothing was found and nothing had to be refused. See `complete` for how much that
  /// says.
  bool ok() const { return problem.empty() && refused.empty(); }
  explicit operator bool() const { return ok(); }

  /// Whether every order was covered, within the assumptions of `search`.
  bool complete = false;
  Search search = Search::automatic;  ///< that was used
  std::uint64_t runs = 0;             ///< from the start, whole or not
  std::uint64_t schedules = 0;        ///< runs that came to their end
  std::uint64_t states = 0;           ///< different ones, if they were told apart
  std::uint64_t steps = 0;            ///< of all runs, those that only led to a state included
  std::uint64_t cut_off = 0;          ///< runs that were longer than Options::steps or time
  double cpu_seconds = 0;
  std::string note;  ///< why another search was used than might be expected; one line, or empty

  /// What cannot be explored, such as a detached actor, by name; empty if nothing.
  std::string refused;

  /// What went wrong, in words; empty if nothing did. All below belongs to it.
  std::string problem;
  std::vector<std::string> deliveries;  ///< the shrunk schedule, a line for each step
  std::string diagram;                  ///< its causal past, as a Mermaid sequence diagram
  std::string schedule;                 ///< for Options::replay
  std::string trace_error;              ///< why Options::trace_file was not written, if it was not
};

/// Everything for people, as many lines as it takes.
NODEZERO_EXPORT std::string to_string(const Result& result);
NODEZERO_EXPORT std::ostream& operator<<(std::ostream& out, const Result& result);

}  // namespace nodezero::explore
