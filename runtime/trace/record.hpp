// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace nodezero::runtime::trace {

/// What a record says. `actor`, `peer`, `message`, `type` and `argument` mean:
enum class Kind : std::uint8_t {
  none = 0,
  spawn,  ///< `actor` begins; `peer` spawned it; `type`: its name; `argument`: its number, if any
  send,   ///< `actor` (0: nobody recorded) sent `message` to `peer`; `type`: of the message;
          ///< `argument`: the request's number if `detail` has request or response. `actor` is
          ///< the one whose handler ran, also if it forwarded or answered for another
  begin,  ///< `actor` begins to handle `message`, whose sender it sees as `peer`; `type`: of
          ///< the message; `argument`: messages still waiting
  end,    ///< `actor` has handled `message`; `detail`: a HandlingResult
  drop,   ///< `message` to `actor` from `peer` will never be handled
  timer,  ///< `actor` set a timer; `type`: what it will send itself; `argument`: milliseconds
  state,  ///< `actor` is in state `type` (an interned name) now; `argument`: free, such as an epoch
  exit,   ///< `actor` ended; `type`: the reason (an interned text)
  note,   ///< `actor` (0: the host) says `type` (an interned text), such as a violated invariant
  summary,  ///< continues the record before it: three words of its payload (SummaryRecord)
};

/// What came of handling a message (`detail` of an end record).
enum class HandlingResult : std::uint8_t {
  consumed = 0,
  skipped,  ///< put back: the message is handled again later, with a begin of its own
  dropped,  ///< no handler took it
  threw,    ///< its handler threw an exception, which ends most actors
};

/// Flags of a message (`detail` of a send record).
enum SendFlags : std::uint8_t {
  is_request = 1,
  is_response = 2,
  is_urgent = 4,     ///< overtakes ordinary messages
  is_forwarded = 8,  ///< the receiver sees another actor as its sender
};

/// One fact of a run, in the order in which one thread met it.
///
/// `time` counts ticks of the recorder's clock; the file says how they become nanoseconds.
/// A message's id is unique to the send. In a record an actor's number is any that is its own;
/// a reader numbers actors from 1 in order of their spawn, and 0 stands for everything that is
/// not recorded. Names, message types, states and texts share one table of interned strings,
/// whose entry 0 is empty.
struct Record {
  std::uint64_t time = 0;
  std::uint64_t message = 0;
  std::uint32_t actor = 0;
  std::uint32_t peer = 0;
  Kind kind = Kind::none;
  std::uint8_t detail = 0;
  std::uint16_t type = 0;
  std::uint32_t argument = 0;

  friend bool operator==(const Record&, const Record&) = default;
};
static_assert(sizeof(Record) == 32);

/// Three words of the payload of the record before it. A payload is a sequence of 64-bit words
/// that is read by the fields of the message's type (TypeDescription); as many summary records
/// follow one another as it takes.
struct SummaryRecord {
  std::uint64_t words[3] = {};
  Kind kind = Kind::summary;
  std::uint8_t count = 0;  ///< of words that are used, 1 to 3
  std::uint16_t unused = 0;
  std::uint32_t unused_too = 0;

  friend bool operator==(const SummaryRecord&, const SummaryRecord&) = default;
};
static_assert(sizeof(SummaryRecord) == sizeof(Record));

}  // namespace nodezero::runtime::trace
