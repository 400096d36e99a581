// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>

#include "actors/laws/trace_facts.hpp"

namespace nodezero::actors {

/// Where the weights of an answer to a client come from.
struct AnswerSource {
  EventNumber told = 0;  ///< the sending of its last tokens
  std::uint64_t version = 0;
  EventNumber made = 0;  ///< the optimizer's word that the version is complete; 0: not in the trace
};

/// Of the request with this ticket, which is the number in the answer's identifier. Nothing if the
/// trace has no tokens of it.
std::optional<AnswerSource> source_of_answer(const Trace& trace, std::uint64_t ticket);

}  // namespace nodezero::actors
