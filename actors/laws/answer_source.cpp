// SPDX-License-Identifier: BSD-3-Clause
#include "actors/laws/answer_source.hpp"

namespace nodezero::actors {

std::optional<AnswerSource> source_of_answer(const Trace& trace, std::uint64_t ticket) {
  const TraceFacts facts(trace);
  AnswerSource source;
  for (const auto piece : facts.sends({"generated_piece"})) {
    if (facts.field(piece, "ticket") == ticket) {
      source.told = piece;
      source.version = facts.number(piece, "version");
    }
  }
  if (source.told == 0) {
    return std::nullopt;
  }
  for (const auto complete : facts.sends({"optimizer_complete"})) {
    if (complete < source.told && facts.field(complete, "version") == source.version) {
      source.made = complete;
    }
  }
  return source;
}

}  // namespace nodezero::actors
