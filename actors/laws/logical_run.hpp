// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/inspect/causal_order.hpp"

namespace nodezero::actors {

/// What happens in a run whoever does it, in the order in which a step needs it. An evaluation
/// comes before the training step of the same number.
enum class FactKind : std::uint8_t {
  halted,               ///< the run stands still at this step
  sphere_ended,         ///< a worker has failed
  step_failed,          ///< a step was given up
  snapshot,             ///< weights are announced to the lifecycle
  lifecycle_state,      ///< `first`: which of the lifecycle's states of that name
  asked_to_generate,    ///< a request for text was given a version
  generated,            ///< and answered
  evaluate,             ///< an evaluation begins
  evaluation_assigned,  ///< a worker has been given window `first`
  evaluation_computed,  ///< a lane has computed it
  evaluation_closed,    ///< the worker has reported it
  evaluation_reported,  ///< node_zero knows of it
  evaluated,            ///< the evaluation ends
  epoch_begun,
  training,         ///< node_zero says which step will be the epoch's last
  planned,          ///< the step has its micro-batches
  assigned,         ///< a worker has been given micro-batch `first`
  computed,         ///< a lane has computed it
  handed_over,      ///< its gradient has left the worker, perhaps in a sum
  closed,           ///< the worker has reported it
  added,            ///< the sum of micro-batches [first, last) was made
  arrived,          ///< node_zero has the sum that contains micro-batch `first`
  reported,         ///< node_zero knows that it is done
  applied,          ///< the optimizer is given the step's sum
  updated,          ///< `first`: phase of the update of which a shard was done
  completed,        ///< the next version of the weights exists
  step_told,        ///< the observer is told of the step
  evaluation_told,  ///< of an evaluation
  epoch_told,       ///< of an epoch
  epoch_done,
  sample_told,
  stop_answered,  ///< whoever asked the run to stop knows that it stands still
  run_ended,
};

/// A fact's name: the same in every run of one configuration, however many spheres, lanes and
/// threads there are. Ordered as a run with one of each would go.
struct FactKey {
  /// The epoch and step of what belongs to none.
  static constexpr std::uint64_t none = 0xffffffffffffffff;

  std::uint64_t epoch = 0, step = 0;
  FactKind kind = FactKind::planned;
  std::uint64_t first = 0, last = 0;
  std::uint32_t again = 0;  ///< how often there was one of this name before

  friend auto operator<=>(const FactKey&, const FactKey&) = default;
};

/// A number that has to be the same in both runs.
struct FactValue {
  std::string_view name;  ///< of the payload's field
  std::uint64_t bits = 0;
  bool is_real = false;

  friend bool operator==(const FactValue&, const FactValue&) = default;
};

struct Fact {
  runtime::inspect::EventNumber event = 0;
  std::vector<FactValue> values;
  /// What had to happen before it and did not: at most ten.
  std::vector<FactKey> lacks;
};

/// A trace by what it says about the run and not by who did it when.
struct LogicalRun {
  std::map<FactKey, Fact> facts;
  /// The first place and the last one (epoch, step) of which the trace lacks nothing.
  std::pair<std::uint64_t, std::uint64_t> from, to;
  bool begins_later = false;  ///< a resumed run, or the last seconds of one
  bool has_gaps = false;      ///< facts may be missing anywhere
};

/// `trace` must be linked.
LogicalRun logical_run(const runtime::trace::Trace& trace);

/// True if the trace is of a run: other actors' messages are not facts.
bool is_of_a_run(const runtime::trace::Trace& trace);

/// "micro-batch 3 of step 2 was computed"
std::string in_words(const FactKey& key);

}  // namespace nodezero::actors
