// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/trace/trace_page_data.hpp"

#include <algorithm>
#include <string_view>

#include <nlohmann/json.hpp>

#include "formats/printable_text.hpp"

namespace nodezero::apps {
namespace {

using nlohmann::json;
using runtime::inspect::Phrases;
using runtime::inspect::Violation;
using runtime::trace::Event;
using runtime::trace::Trace;

/// A column of numbers as LEB128: seven bits a byte, the low ones first.
class Column {
 public:
  void add(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) {
      bytes_.push_back(static_cast<char>((value & 0x7f) | 0x80));
    }
    bytes_.push_back(static_cast<char>(value));
  }
  /// Small numbers of either sign stay small (zigzag).
  void add_signed(std::int64_t value) {
    add((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
  }
  std::string base64() const;

 private:
  std::string bytes_;
};

std::string Column::base64() const {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes_.size() + 2) / 3 * 4);
  for (std::size_t first = 0; first < bytes_.size(); first += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes_.size() - first);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      bits = bits << 8 | (i < count ? static_cast<unsigned char>(bytes_[first + i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      text += i <= count ? digits[bits >> (18 - 6 * i) & 63] : '=';
    }
  }
  return text;
}

json names_of(const Trace& trace) {
  json names = json::array();
  for (const auto& name : trace.names) {
    json fields = json::array();
    for (const auto& field : name.fields) {
      fields.push_back({field.name, static_cast<int>(field.kind)});
    }
    names.push_back({name.text, std::move(fields)});
  }
  return names;
}

json actors_of(const Trace& trace) {
  json actors = json::array();
  for (const auto& actor : trace.actors) {
    const std::int64_t number =
        actor.number == runtime::trace::Actor::unnumbered ? -1 : std::int64_t{actor.number};
    actors.push_back({actor.name, number, actor.parent, actor.spawned, actor.exited});
  }
  return actors;
}

json violations_of(const Trace& trace, std::span<const Violation> violations) {
  json list = json::array();
  for (const auto& violation : violations) {
    json events = json::array();
    for (const auto event : {violation.first, violation.second}) {
      if (event != 0 && event <= trace.events.size()) {
        events.push_back(event);
      }
    }
    list.push_back(
        {{"rule", violation.rule}, {"what", violation.what}, {"events", std::move(events)}});
  }
  return list;
}

json columns_of(const Trace& trace, std::size_t& word_total) {
  Column request;
  for (const auto& message : trace.messages) {
    request.add(message.request);
  }
  Column time, kind, detail, actor, peer, type, argument, message, handling, thread, word_count,
      words;
  std::int64_t time_before = 0;
  std::uint64_t number = 0;
  for (const Event& event : trace.events) {
    ++number;
    time.add_signed(event.time - time_before);
    time_before = event.time;
    kind.add(static_cast<std::uint64_t>(event.kind));
    detail.add(event.detail);
    actor.add(event.actor);
    peer.add(event.peer);
    type.add(event.type);
    argument.add(event.argument);
    message.add(event.life);
    handling.add(event.handling != 0 ? number - event.handling : 0);
    thread.add(event.thread);
    word_count.add(event.word_count);
    for (std::size_t i = 0; i < event.word_count; ++i) {
      words.add(trace.words[event.first_word + i]);
    }
    word_total += event.word_count;
  }
  return {{"time", time.base64()},
          {"kind", kind.base64()},
          {"detail", detail.base64()},
          {"actor", actor.base64()},
          {"peer", peer.base64()},
          {"type", type.base64()},
          {"argument", argument.base64()},
          {"message", message.base64()},
          {"handling", handling.base64()},
          {"thread", thread.base64()},
          {"word_count", word_count.base64()},
          {"words", words.base64()},
          {"request", request.base64()}};
}

}  // namespace

std::string trace_page_data(const Trace& trace, std::span<const Violation> violations,
                            const Phrases& phrases) {
  std::size_t word_total = 0;
  json data;
  data["columns"] = columns_of(trace, word_total);
  data["about"] = json::object();
  for (const auto& [key, value] : trace.about) {
    data["about"][formats::escaped_name(key)] = formats::escaped_name(value);
  }
  data["completeness"] = {{"lost_records", trace.completeness.lost_records},
                          {"ring", trace.completeness.ring},
                          {"cut_off", trace.completeness.cut_off}};
  data["names"] = names_of(trace);
  data["actors"] = actors_of(trace);
  data["violations"] = violations_of(trace, violations);
  data["phrases"] = phrases;
  data["events"] = trace.events.size();
  data["messages"] = trace.messages.size();
  data["words"] = word_total;

  return page_data_text(data);
}

std::string page_data_text(const nlohmann::json& data) {
  const std::string text = data.dump(-1, ' ', false, json::error_handler_t::replace);
  std::string escaped;
  escaped.reserve(text.size());
  for (const char character : text) {
    if (character == '<') {
      escaped += "\\u003c";  // `<` occurs in JSON only inside strings
    } else {
      escaped += character;
    }
  }
  return escaped;
}

}  // namespace nodezero::apps
