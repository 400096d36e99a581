// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/inspect/mermaid.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "runtime/inspect/words.hpp"

namespace nodezero::runtime::inspect {
namespace {

/// Without what Mermaid reads as its own: ends of statements, entities, comments.
std::string label(std::string text) {
  for (char& c : text) {
    const bool special = c == ';' || c == '#' || c == '%' || c == '<' || c == '>' ||
                         static_cast<unsigned char>(c) < ' ';
    c = special ? ' ' : c;
  }
  return text;
}

class Diagram {
 public:
  Diagram(const Trace& trace, const CausalOrder& order)
      : trace_(trace), order_(order), seen_(order.processes()) {}

  std::string participant(std::uint32_t process) const {
    return fmt::format("  participant p{} as {}\n", process, label(order_.process_name(process)));
  }

  std::string arrow(EventNumber begin) const {
    const Event& event = trace_.event(begin);
    const EventNumber sent = order_.cause(begin);
    const bool answer = trace_.event(sent).detail & trace::is_response;
    return fmt::format("  p{}{}p{}: {} [{}]\n", order_.process(sent), answer ? "-->>" : "->>",
                       order_.process(begin), label(message_in_words(trace_, event)), begin);
  }

  /// Characters that the participants of a message add.
  std::size_t meet(EventNumber begin) {
    std::size_t size = 0;
    for (const auto process : {order_.process(order_.cause(begin)), order_.process(begin)}) {
      if (!seen_[process]) {
        seen_[process] = true;
        size += participant(process).size();
      }
    }
    return size;
  }

 private:
  const Trace& trace_;
  const CausalOrder& order_;
  std::vector<bool> seen_;
};

}  // namespace

std::string mermaid_of_past(const Trace& trace, const CausalOrder& order, EventNumber number,
                            std::size_t limit) {
  std::vector<EventNumber> arrows;
  for (const auto event : order.past(number)) {
    if (trace.event(event).kind == Kind::begin && order.cause(event) != 0) {
      arrows.push_back(event);
    }
  }
  // The event itself, and how many messages are left out.
  const Event& last = trace.event(number);
  const auto owner =
      order.process(number) != CausalOrder::no_process ? order.process(number) : last.actor;
  const std::string note =
      fmt::format("  Note over p{}: event {}, {}\n", owner, number, label(in_words(trace, number)));
  Diagram diagram(trace, order);
  const std::string header = "sequenceDiagram\n";
  constexpr std::size_t room_for_notes = 200;
  std::size_t size =
      header.size() + note.size() + room_for_notes + diagram.participant(owner).size();
  auto first = arrows.end();
  while (first != arrows.begin()) {
    size += diagram.arrow(*(first - 1)).size() + diagram.meet(*(first - 1));
    if (size > limit) {
      break;
    }
    --first;
  }

  // Participants from left to right in the order in which they come in.
  std::vector<std::uint32_t> participants;
  const auto add = [&](std::uint32_t process) {
    if (std::find(participants.begin(), participants.end(), process) == participants.end()) {
      participants.push_back(process);
    }
  };
  for (auto arrow = first; arrow != arrows.end(); ++arrow) {
    add(order.process(order.cause(*arrow)));
    add(order.process(*arrow));
  }
  add(owner);
  std::string text = header;
  for (const auto process : participants) {
    text += diagram.participant(process);
  }
  if (first != arrows.begin()) {
    text += fmt::format("  Note over p{}: {} earlier messages are left out\n", participants.front(),
                        first - arrows.begin());
  }
  for (auto arrow = first; arrow != arrows.end(); ++arrow) {
    text += diagram.arrow(*arrow);
  }
  return text + note;
}

}  // namespace nodezero::runtime::inspect
