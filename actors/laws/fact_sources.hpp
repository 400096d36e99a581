// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "actors/laws/logical_run.hpp"

namespace nodezero::actors {

/// Which events of a trace are facts, and which numbers of theirs have to be the same in all runs.
struct FactSource {
  std::string_view type;
  runtime::trace::Kind event;
  std::string_view actor;  ///< empty: any
  FactKind training, evaluation;
  std::array<std::string_view, 5> values = {};
};

std::span<const FactSource> fact_sources();

/// What the event says about where in the run it happens: its message, or the request that it
/// answers, or what was being handled.
std::uint64_t number_said(const runtime::trace::Trace& trace, runtime::inspect::EventNumber event,
                          std::string_view field, std::uint64_t otherwise);

/// A file may claim any range: longer ones stand for themselves.
inline constexpr std::uint64_t most_positions = 1U << 20U;

}  // namespace nodezero::actors
