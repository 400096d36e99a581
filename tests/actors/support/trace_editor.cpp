// SPDX-License-Identifier: BSD-3-Clause
#include "support/trace_editor.hpp"

#include <algorithm>
#include <stdexcept>

namespace nodezero::actors::testing {

namespace {

// Far from the ids that a recorder gives.
constexpr std::uint64_t first_new_message = std::uint64_t{1} << 60;

}  // namespace

std::uint32_t TraceEditor::find(Kind kind, std::string_view type, std::uint32_t nth,
                                const std::function<bool(const Event&)>& matches) const {
  for (std::uint32_t event = 1; event <= trace_.events.size(); ++event) {
    const Event& found = trace_.event(event);
    if (found.kind == kind && trace_.name(found.type) == type && matches(found) && --nth == 0) {
      return event;
    }
  }
  throw std::runtime_error("the trace has no such event: " + std::string(type));
}

std::uint64_t TraceEditor::number(std::uint32_t event, std::string_view field) const {
  std::uint64_t value = 0;
  if (!trace_.number(trace_.event(event), field, value)) {
    throw std::runtime_error("the event has no such field: " + std::string(field));
  }
  return value;
}

void TraceEditor::set_number(std::uint32_t send, std::string_view field, std::uint64_t value) {
  const Event& event = trace_.event(send);
  std::size_t word = event.first_word;
  for (const auto& description : trace_.names[event.type].fields) {
    if (description.name == field) {
      trace_.words[word] = value;
      return;
    }
    if (description.kind == runtime::trace::FieldKind::numbers) {
      word += (trace_.words[word] + 1) / 2;
    }
    ++word;
  }
  throw std::runtime_error("the event has no such field: " + std::string(field));
}

void TraceEditor::set_type(std::uint32_t event, std::string_view name) {
  const auto found = std::ranges::find(trace_.names, name, &runtime::trace::Name::text);
  trace_.events[event - 1].type = static_cast<std::uint16_t>(found - trace_.names.begin());
  if (found == trace_.names.end()) {
    trace_.names.push_back({std::string(name), {}});
  }
}

void TraceEditor::move_before(std::uint32_t event, std::uint32_t before) {
  const auto first = trace_.events.begin() + before - 1, last = trace_.events.begin() + event;
  std::rotate(first, last - 1, last);
  trace_.link();
}

void TraceEditor::erase(std::initializer_list<std::uint32_t> events) {
  std::uint32_t number = 0;
  std::erase_if(trace_.events,
                [&](const Event&) { return std::ranges::find(events, ++number) != events.end(); });
  trace_.link();
}

std::uint32_t TraceEditor::send_again(std::uint32_t after, std::uint32_t send) {
  Event copy = trace_.event(send);
  copy.message = first_new_message + ++new_messages_;
  insert(after, copy);
  return after + 1;
}

void TraceEditor::handle(std::uint32_t after, std::uint32_t send,
                         std::vector<std::uint32_t> sends) {
  Event event = trace_.event(send);
  std::vector<Event> inside;
  for (const auto number : sends) {
    inside.push_back(trace_.event(number));
    inside.back().message = first_new_message + ++new_messages_;
    inside.back().actor = event.peer;
  }
  std::swap(event.actor, event.peer);
  event.word_count = 0;
  event.detail = event.argument = 0;
  event.kind = Kind::begin;
  insert(after, event);
  for (const auto& one : inside) {
    insert(++after, one);
  }
  event.kind = Kind::end;
  insert(++after, event);
}

void TraceEditor::insert(std::uint32_t after, Event event) {
  event.thread = trace_.event(after).thread;
  event.time = trace_.event(after).time;
  trace_.events.insert(trace_.events.begin() + after, event);
  trace_.link();
}

}  // namespace nodezero::actors::testing
