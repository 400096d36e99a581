// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/inspect/shiviz.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "runtime/inspect/words.hpp"

namespace nodezero::runtime::inspect {
namespace {

/// ShiViz's hosts contain no spaces.
std::string host_name(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == ' ' || c == '"' || c == '\\'; }, '-');
  return name;
}

}  // namespace

void write_shiviz(const Trace& trace, const CausalOrder& order, std::span<const EventNumber> events,
                  TextOutput& out) {
  std::vector<std::string> hosts;
  for (std::uint32_t process = 0; process < order.processes(); ++process) {
    hosts.push_back(host_name(order.process_name(process)));
  }
  // By process: its events that are written, in order; a clock is a position in them.
  std::vector<std::vector<EventNumber>> written(order.processes());
  out.text("(?<host>\\S*) (?<clock>{.*})\\n(?<event>.*)\n\n");
  for (const auto number : events) {
    const std::uint32_t process = order.process(number);
    if (process == CausalOrder::no_process) {
      continue;
    }
    written[process].push_back(number);
    out.print("{} {{\"{}\":{}", hosts[process], hosts[process], written[process].size());
    const EventNumber cause = order.cause(number);
    if (cause != 0 && order.process(cause) != process) {
      // If the sending itself is not written, what its host wrote last before it.
      const std::uint32_t other = order.process(cause);
      const auto& theirs = written[other];
      const auto clock = std::upper_bound(theirs.begin(), theirs.end(), cause) - theirs.begin();
      if (clock > 0) {
        out.print(",\"{}\":{}", hosts[other], clock);
      }
    }
    std::string words = in_words(trace, number);
    std::replace(words.begin(), words.end(), '\n', ' ');
    out.print("}}\n{} [event {}]\n", words, number);
  }
}

}  // namespace nodezero::runtime::inspect
