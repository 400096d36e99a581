// SPDX-License-Identifier: BSD-3-Clause
#include "verify/library/schedule_text.hpp"

#include <charconv>
#include <sstream>

#include <fmt/format.h>

namespace nodezero::explore {

using verify::explore::Choice;
using verify::explore::most_nodes;
using verify::explore::NodeIndex;
using verify::explore::outside;

namespace {

using Action = Choice::Action;

constexpr std::pair<char, Action> signs[] = {{'+', Action::duplicate},
                                             {'-', Action::lose},
                                             {'~', Action::postpone},
                                             {'l', Action::deliver_late}};

std::string node_text(NodeIndex node) {
  return node >= outside ? fmt::format("o{}", node - outside) : fmt::format("{}", node);
}

/// Takes a number from the front.
std::optional<NodeIndex> take_number(std::string_view& text) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number > most_nodes) {
    return std::nullopt;
  }
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return static_cast<NodeIndex>(number);
}

bool take_char(std::string_view& text, char c) {
  const bool is_there = !text.empty() && text.front() == c;
  text.remove_prefix(is_there ? 1 : 0);
  return is_there;
}

std::optional<NodeIndex> take_node(std::string_view& text) {
  const bool is_outside = take_char(text, 'o');
  const auto number = take_number(text);
  if (!number || (is_outside && *number > most_nodes - outside)) {
    return std::nullopt;
  }
  return static_cast<NodeIndex>(*number + (is_outside ? outside : 0));
}

std::optional<Choice> step_of(std::string_view word) {
  Choice step;
  if (take_char(word, 't')) {
    step.action = Action::timer;
    if (word.empty()) {
      return step;
    }
    const auto nth = take_number(word);
    const bool has_owner = take_char(word, '@');
    const auto owner = take_number(word);
    if (!nth || !has_owner || !owner || !word.empty()) {
      return std::nullopt;
    }
    return Choice{*nth, *owner, false, Action::timer};
  }
  if (take_char(word, 'x')) {
    const auto node = take_number(word);
    return node && word.empty() ? std::optional(Choice{0, *node, false, Action::kill})
                                : std::nullopt;
  }
  for (const auto& [sign, action] : signs) {
    if (take_char(word, sign)) {
      step.action = action;
      break;
    }
  }
  const auto sender = take_node(word);
  const bool has_arrow = take_char(word, '>');
  const auto receiver = take_number(word);
  step.urgent = take_char(word, '!');
  if (!sender || !has_arrow || !receiver || !word.empty()) {
    return std::nullopt;
  }
  step.sender = *sender;
  step.receiver = *receiver;
  return step;
}

}  // namespace

std::string to_text(const std::vector<Choice>& steps) {
  std::string text;
  for (const auto& step : steps) {
    text += text.empty() ? "" : " ";
    if (step.action == Action::timer) {
      text += step.receiver == 0 ? "t" : fmt::format("t{}@{}", step.sender, step.receiver);
    } else if (step.action == Action::kill) {
      text += fmt::format("x{}", step.receiver);
    } else {
      for (const auto& [sign, action] : signs) {
        text += step.action == action ? std::string(1, sign) : "";
      }
      text += fmt::format("{}>{}{}", node_text(step.sender), step.receiver, step.urgent ? "!" : "");
    }
  }
  return text;
}

std::optional<std::vector<Choice>> schedule_of(std::string_view text) {
  std::vector<Choice> steps;
  std::istringstream words{std::string(text)};
  for (std::string word; words >> word;) {
    const auto step = step_of(word);
    if (!step) {
      return std::nullopt;
    }
    steps.push_back(*step);
  }
  return steps;
}

}  // namespace nodezero::explore
