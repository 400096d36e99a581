// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runtime/inspect/handlings.hpp"

namespace nodezero::runtime::inspect {

/// Of many values: how many, and how they lie. Medians and percentiles are values that occur.
struct Distribution {
  std::uint64_t count = 0;
  std::int64_t total = 0;
  std::int64_t median = 0;
  std::int64_t percentile_99 = 0;
  std::int64_t maximum = 0;
};
Distribution distribution_of(std::vector<std::int64_t> values);

/// What the summary is to know of the actors.
struct SummaryOptions {
  std::string busy_actor;  ///< name of the actors whose utilisation is asked for, such as lane
  std::string span;        ///< type of the request whose time to the answer is a span
};

struct TypeSummary {
  std::string type;
  std::uint64_t sent = 0, handled = 0, dropped = 0, pending = 0;
  Distribution waiting;   ///< nanoseconds from sending to handling
  Distribution handling;  ///< nanoseconds
};

/// All actors of one name.
struct ActorSummary {
  std::string name;
  std::uint64_t actors = 0, handled = 0, sent = 0;
  std::int64_t busy = 0;  ///< nanoseconds in handlings, of all together
  Distribution mailbox;   ///< messages that waited when one began to be handled
};

/// Time that goes to one thing, such as lanes that handle compute.
struct Share {
  std::string what;
  std::uint64_t times = 0;
  std::int64_t time = 0;  ///< nanoseconds
};

struct BusyActor {
  std::string actor;
  std::uint64_t handled = 0;
  std::int64_t busy = 0;  ///< nanoseconds
};

/// A request and its answer, such as an epoch.
struct Span {
  EventNumber first = 0;             ///< the request begins to be handled
  EventNumber last = 0;              ///< the answer is sent
  std::string what;                  ///< the request in words
  std::int64_t time = 0;             ///< nanoseconds
  std::vector<Share> critical_path;  ///< the longest share first
};

struct Summary {
  std::uint64_t events = 0, messages = 0, actors = 0, threads = 0;
  std::int64_t time = 0;           ///< nanoseconds from the first event to the last
  std::vector<TypeSummary> types;  ///< the most frequent first
  std::vector<ActorSummary> by_name;
  std::vector<BusyActor> busy;  ///< the actors of SummaryOptions::busy_actor
  std::vector<Share> idle;      ///< what those waited for while they were idle
  std::vector<Span> spans;
};

Summary summarize(const Trace& trace, const Handlings& handlings, const SummaryOptions& options);

/// For people; `most` rows of each long list.
std::string summary_as_text(const Summary& summary, const SummaryOptions& options,
                            std::size_t most = 12);

}  // namespace nodezero::runtime::inspect
