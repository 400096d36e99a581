// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <set>
#include <string>

#include "runtime/inspect/causal_order.hpp"

namespace nodezero::runtime::inspect {

/// What may differ between two runs that do the same.
struct CompareOptions {
  /// Actors of these names do each other's work: which of them did what does not count.
  std::set<std::string, std::less<>> interchangeable;
  /// Messages of these types come or not by the clock, or what they carry depends on the order
  /// of arrival.
  std::set<std::string, std::less<>> ignored_types;
};

/// Where two runs part.
struct Difference {
  EventNumber left = 0;   ///< in the first trace, or 0
  EventNumber right = 0;  ///< in the second, or 0
};

/// The first event, in causal order, that one run has and the other lacks. Events are the same
/// if the same actor does the same with a message of the same type and payload from or to the
/// same other actor, as many times. Times, the order in which independent messages arrive, and
/// numbers of messages and requests do not count.
/// If the other run has at that place an event that the first lacks (same actor, kind, type and
/// peer, another payload), both are named.
std::optional<Difference> first_difference(const Trace& left, const Trace& right,
                                           const CompareOptions& options = {});

}  // namespace nodezero::runtime::inspect
