// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// How the traces of several processes of one run name each other's actors.

#include <cstdint>
#include <string>
#include <string_view>

namespace nodezero::runtime::trace {

struct Trace;

/// What a process is known by in the traces of others.
using ProcessKey = std::uint64_t;

/// The number that an actor has in other processes' records: none of an actor that is recorded
/// there. A hash of 31 bits: that two of some hundred actors share one happens once in 100,000
/// runs.
constexpr std::uint32_t number_elsewhere(ProcessKey process, std::uint32_t actor) {
  std::uint64_t hash = (process ^ actor) * 0x9e3779b97f4a7c15;
  hash = (hash ^ hash >> 32U ^ actor) * 0xd6e8feb86659fd93;
  return static_cast<std::uint32_t>(hash >> 33U) | 0x80000000U;
}
constexpr bool is_elsewhere(std::uint32_t actor) {
  return (actor & 0x80000000U) != 0;
}

/// A note in a trace: which machine of the run it was recorded on, and in which process.
std::string machine_note(std::string_view machine, ProcessKey process);

/// What a joined trace says about itself: the names of its machines.
inline constexpr std::string_view machines_key = "machines";

/// Where several machines recorded a trace: the actor that stands for the one on which an actor
/// ran. Otherwise, and for those themselves, 0.
std::uint32_t machine_of(const Trace& trace, std::uint32_t actor);

/// The name under which a joined trace has a machine as an actor, above those that ran there.
inline constexpr std::string_view machine_prefix = "machine ";

}  // namespace nodezero::runtime::trace
