// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/trace/record.hpp"

namespace nodezero::runtime::trace {

/// How a field of a message's payload is kept in words.
enum class FieldKind : std::uint8_t {
  number,   ///< one word, unsigned
  real,     ///< one word, the bits of a double
  numbers,  ///< a word n, then n 32-bit numbers, two a word, the low half first
};

struct FieldDescription {
  std::string name;  ///< such as epoch, step, version, sphere, positions, loss
  FieldKind kind = FieldKind::number;

  friend bool operator==(const FieldDescription&, const FieldDescription&) = default;
};

/// An interned string, and for a message's type the fields of its payload in their order.
struct Name {
  std::string text;
  std::vector<FieldDescription> fields;

  friend bool operator==(const Name&, const Name&) = default;
};

/// Whether `words` hold all of `fields`: a payload may be cut off after any record of it.
bool is_whole(std::span<const FieldDescription> fields, std::span<const std::uint64_t> words);

/// Threads of a trace have smaller numbers: who works through one keeps something for each of them.
inline constexpr std::uint32_t most_threads = 1U << 20U;

/// One fact of a run after reading: a record with its payload, in an order that respects
/// causality. Events are numbered from 1; `Trace::events[n - 1]` is event n.
struct Event {
  std::int64_t time = 0;      ///< nanoseconds since the recorder was made
  std::uint64_t message = 0;  ///< unique to the send; 0: about no message
  std::uint32_t actor = 0;
  std::uint32_t peer = 0;
  Kind kind = Kind::none;
  std::uint8_t detail = 0;
  std::uint16_t type = 0;
  std::uint32_t argument = 0;
  std::uint32_t thread = 0;      ///< that recorded it, below most_threads
  std::uint32_t first_word = 0;  ///< of the payload, in Trace::words
  std::uint32_t word_count = 0;
  // What `link` works out:
  std::uint32_t life = 0;  ///< index in Trace::messages plus 1; 0: about no message
  /// The begin event in whose handling this happened, or 0: the cause of a send, spawn, state...
  std::uint32_t handling = 0;
};

struct Actor {
  static constexpr std::uint32_t unnumbered = 0xffffffff;

  std::string name;                   ///< such as node_zero, worker
  std::uint32_t number = unnumbered;  ///< of a sphere or a lane
  std::uint32_t parent = 0;           ///< who spawned it; 0: nobody recorded
  std::uint32_t spawned = 0;          ///< event; 0: before the trace begins
  std::uint32_t exited = 0;           ///< event; 0: it lived to the end
};

/// The life of one message; 0 for what did not happen (or is not in the trace).
struct Message {
  std::uint64_t id = 0;
  std::uint32_t sent = 0;   ///< events
  std::uint32_t begun = 0;  ///< the last begin, if the message was put back before
  std::uint32_t ended = 0;
  std::uint32_t dropped = 0;
  std::uint32_t request = 0;   ///< for a response: index in `messages` of its request plus 1
  std::uint32_t response = 0;  ///< for a request: index of its response plus 1
};

/// How far a trace can be trusted. Every command says so first.
struct Completeness {
  std::uint64_t lost_records = 0;  ///< buffers were full
  bool ring = false;               ///< only the last seconds: earlier events are missing
  bool cut_off = false;            ///< the file ends inside a block

  bool complete() const { return lost_records == 0 && !ring && !cut_off; }
};

/// A whole trace in memory. Whoever puts one together fills `names`, `actors` (names, numbers and
/// parents), `events` and `words`, and calls `link`.
struct Trace {
  std::vector<Name> names;    ///< by `Event::type`; entry 0 is empty
  std::vector<Actor> actors;  ///< actor n is entry n; entry 0 stands for what is not recorded
  std::vector<Event> events;
  std::vector<std::uint64_t> words;
  std::vector<Message> messages;             ///< in order of their first event
  std::map<std::string, std::string> about;  ///< program, version, configuration (JSON), host...
  Completeness completeness;

  /// Works out from the order of the events: `life` and `handling` of each, `messages` with their
  /// requests and responses, and where each actor was spawned and exited.
  void link();

  const Event& event(std::uint32_t number) const { return events[number - 1]; }
  std::string_view name(std::uint16_t type) const { return names[type].text; }
  /// "worker 3", "node_zero"; "outside" for 0.
  std::string actor_name(std::uint32_t actor) const;
  /// The message that the event is about, or null.
  const Message* message_of(const Event& event) const;
  /// Words of an event's payload. For begin, end and drop events: those of the message's send.
  std::span<const std::uint64_t> payload(const Event& event) const;
  /// A field of the payload by name; false if the type has no such field.
  /// A payload that ends before the field (records were lost) has it neither.
  bool number(const Event& event, std::string_view field, std::uint64_t& value) const;
  bool real(const Event& event, std::string_view field, double& value) const;
  bool numbers(const Event& event, std::string_view field, std::vector<std::uint32_t>& value) const;
  /// The payload in words: "epoch 1, step 3, version 3, positions 0 1 2".
  std::string describe_payload(const Event& event) const;
};

}  // namespace nodezero::runtime::trace
