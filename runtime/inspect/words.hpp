// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "runtime/inspect/causal_order.hpp"

namespace nodezero::runtime::inspect {

/// What sending a message of a type means, for people: "asked {to} to apply the sum of step
/// {step}". In braces stand `to`, the receiver, and names of payload fields. One that counts is
/// followed by the words for one and for many: "{tokens token tokens}".
using Phrases = std::map<std::string, std::string, std::less<>>;

/// "send", "begin"...
std::string_view kind_name(Kind kind);

/// What happened in one event: "node_zero asked optimizer to apply the sum of step 3",
/// "worker 2 began to handle assign (epoch 0, step 3)". Types without a phrase are named.
std::string in_words(const Trace& trace, EventNumber number, const Phrases& phrases = {});

/// "assign (epoch 0, step 3)", or only the type if the payload says nothing.
std::string message_in_words(const Trace& trace, const Event& event);

/// "1 event", "12 events".
std::string counted(std::uint64_t number, std::string_view thing);

/// "12.345 ms": a time or a duration in the unit that keeps it readable.
std::string time_in_words(std::int64_t nanoseconds);

/// "event 12  1.204 ms  node_zero sent ...": the line that `show` prints.
std::string event_line(const Trace& trace, EventNumber number, const Phrases& phrases = {});

/// The same without the number, for events that have none yet.
std::string moment_line(const Trace& trace, EventNumber number, const Phrases& phrases = {});

/// How far the trace can be trusted: "this trace is incomplete: ..."; empty if it is complete.
std::string incompleteness(const trace::Completeness& completeness);

}  // namespace nodezero::runtime::inspect
