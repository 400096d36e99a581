// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/trace/trace.hpp"

#include <bit>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "runtime/trace/elsewhere.hpp"

namespace nodezero::runtime::trace {
namespace {

/// Words that a field takes which begins at `words`; more than there are if it is cut off.
std::size_t length(FieldKind kind, std::span<const std::uint64_t> words) {
  if (kind != FieldKind::numbers || words.empty()) {
    return 1;
  }
  const std::uint64_t numbers = words[0];
  return numbers / 2 + numbers % 2 + 1;
}

/// Calls `visit(field, words of the field)` for each field that is whole, until it returns true.
template <class Visitor>
bool visit_fields(std::span<const FieldDescription> fields, std::span<const std::uint64_t> words,
                  Visitor visit) {
  for (const auto& field : fields) {
    const std::size_t size = length(field.kind, words);
    if (size > words.size()) {
      return false;
    }
    if (visit(field, words.first(size))) {
      return true;
    }
    words = words.subspan(size);
  }
  return false;
}

template <class Reading>
bool read_field(const Trace& trace, const Event& event, std::string_view name, FieldKind kind,
                Reading read) {
  const auto visit = [&](const FieldDescription& field, auto words) {
    if (field.name != name || field.kind != kind) {
      return false;
    }
    read(words);
    return true;
  };
  return visit_fields(trace.names[event.type].fields, trace.payload(event), visit);
}

std::vector<std::uint32_t> unpacked(std::span<const std::uint64_t> words) {
  std::vector<std::uint32_t> numbers(words[0]);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = static_cast<std::uint32_t>(words[1 + i / 2] >> (i % 2 * 32));
  }
  return numbers;
}

}  // namespace

bool is_whole(std::span<const FieldDescription> fields, std::span<const std::uint64_t> words) {
  std::size_t found = 0;
  visit_fields(fields, words, [&](const auto&, auto) { return ++found == fields.size(); });
  return found == fields.size();
}

std::string Trace::actor_name(std::uint32_t actor) const {
  if (actor == 0 || actor >= actors.size()) {
    return "outside";
  }
  const auto& found = actors[actor];
  const auto name = found.number == Actor::unnumbered
                        ? found.name
                        : fmt::format("{} {}", found.name, found.number);
  const auto machine = machine_of(*this, actor);
  return machine == 0
             ? name
             : fmt::format("{}/{}", actors[machine].name.substr(machine_prefix.size()), name);
}

const Message* Trace::message_of(const Event& event) const {
  return event.life == 0 ? nullptr : &messages[event.life - 1];
}

std::span<const std::uint64_t> Trace::payload(const Event& event) const {
  const Event* carrier = &event;
  if (event.word_count == 0 && event.kind != Kind::send) {
    const auto* message = message_of(event);
    carrier = message && message->sent != 0 ? &this->event(message->sent) : &event;
  }
  return std::span(words).subspan(carrier->first_word, carrier->word_count);
}

bool Trace::number(const Event& event, std::string_view field, std::uint64_t& value) const {
  return read_field(*this, event, field, FieldKind::number, [&](auto words) { value = words[0]; });
}

bool Trace::real(const Event& event, std::string_view field, double& value) const {
  return read_field(*this, event, field, FieldKind::real,
                    [&](auto words) { value = std::bit_cast<double>(words[0]); });
}

bool Trace::numbers(const Event& event, std::string_view field,
                    std::vector<std::uint32_t>& value) const {
  return read_field(*this, event, field, FieldKind::numbers,
                    [&](auto words) { value = unpacked(words); });
}

std::string Trace::describe_payload(const Event& event) const {
  std::string text;
  const auto describe = [&](const FieldDescription& field, auto words) {
    text += text.empty() ? "" : ", ";
    text += field.name;
    switch (field.kind) {
      case FieldKind::number:
        text += fmt::format(" {}", words[0]);
        break;
      case FieldKind::real:
        text += fmt::format(" {:.6g}", std::bit_cast<double>(words[0]));
        break;
      case FieldKind::numbers:
        text += words[0] == 0 ? " none" : fmt::format(" {}", fmt::join(unpacked(words), " "));
        break;
    }
    return false;
  };
  visit_fields(names[event.type].fields, payload(event), describe);
  return text;
}

std::uint32_t machine_of(const Trace& trace, std::uint32_t actor) {
  const auto& actors = trace.actors;
  std::uint32_t top = actor;
  while (actors[top].parent != 0 && actors[top].parent < top) {
    top = actors[top].parent;
  }
  const bool is_machine = top != actor && actors[top].name.starts_with(machine_prefix) &&
                          trace.about.contains(std::string(machines_key));
  return is_machine ? top : 0;
}

}  // namespace nodezero::runtime::trace
