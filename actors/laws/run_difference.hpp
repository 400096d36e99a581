// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actors/laws/logical_run.hpp"

namespace nodezero::actors {

/// One thing about which two runs do not agree.
struct RunDifference {
  enum class Kind {
    only_left,   ///< the second run lacks it
    only_right,  ///< the first one does
    value,       ///< it carries another number
    cause,       ///< in one of them it happened without what had to come before
  };
  Kind kind = Kind::value;
  FactKey key;
  runtime::inspect::EventNumber left = 0, right = 0;  ///< 0: it has none
  std::string sentence;
};

struct RunComparison {
  std::vector<RunDifference> differences;  ///< in the order of the run: the first one is the cause
  std::size_t facts = 0;                   ///< that were compared
  std::string restriction;  ///< in words, if a trace lacks something; otherwise empty
};

/// Compares two runs by their facts: what happened, with which numbers, and after what. `a` and
/// `b` are what the sentences call the runs. Stops after `most` differences.
RunComparison compare(const LogicalRun& left, const LogicalRun& right, std::string_view a,
                      std::string_view b, std::size_t most = 1'000);

/// Compares two traces, of which events are called A and B. If neither is of a run there is no
/// protocol by which to align them: then what each actor did is counted. Both must be linked.
RunComparison compare(const runtime::trace::Trace& left, const runtime::trace::Trace& right);

/// What two runs of one configuration may do differently, one sentence each.
std::span<const std::string_view> run_freedoms();

}  // namespace nodezero::actors
