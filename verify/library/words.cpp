// SPDX-License-Identifier: BSD-3-Clause
#include "verify/library/words.hpp"

#include <string_view>

#include <fmt/format.h>

#include "verify/explore/report.hpp"

namespace nodezero::explore {

using verify::explore::Choice;
using verify::explore::Network;
using verify::explore::NodeIndex;

namespace {

/// One element of a message.
std::string element_in_words(const Network& network, const caf::type_erased_tuple& content,
                             std::size_t index) {
  const auto of_actor = [&](caf::actor_id id) {
    return id == 0 ? "nobody" : label(network, network.index(id));
  };
  if (content.match_element<caf::actor>(index)) {
    const auto& actor = content.get_as<caf::actor>(index);
    return of_actor(actor ? actor.id() : 0);
  }
  if (content.match_element<caf::strong_actor_ptr>(index)) {
    const auto& actor = content.get_as<caf::strong_actor_ptr>(index);
    return of_actor(actor ? actor->id() : 0);
  }
  if (content.match_element<caf::error>(index)) {
    return "the error " + to_string(content.get_as<caf::error>(index));
  }
  if (content.match_element<caf::down_msg>(index)) {
    const auto& down = content.get_as<caf::down_msg>(index);
    return fmt::format("that {} is down ({})", of_actor(down.source.id()), to_string(down.reason));
  }
  if (content.match_element<caf::exit_msg>(index)) {
    const auto& exit = content.get_as<caf::exit_msg>(index);
    return fmt::format("an exit from {} ({})", of_actor(exit.source ? exit.source.id() : 0),
                       to_string(exit.reason));
  }
  std::string text = content.stringify(index);
  if (text.empty() || text.find("unprintable") != std::string::npos) {
    return element_type(content, index);
  }
  // An atom is quoted.
  if (text.size() > 2 && text.front() == '\'' && text.back() == '\'') {
    return text.substr(1, text.size() - 2);
  }
  // Inspected types have their name with its namespaces in front.
  const auto name_end = text.find('(');
  const auto colon = text.rfind(':', name_end);
  return name_end != std::string::npos && colon != std::string::npos ? text.substr(colon + 1)
                                                                     : text;
}

}  // namespace

std::string label(const Network& network, NodeIndex node) {
  const std::string name = network.name(node);
  return node == 0 || node >= verify::explore::outside ? name : fmt::format("{} {}", name, node);
}

std::string type_in_words(const std::type_info* type) {
  return type == nullptr || *type == typeid(void) ? "a message" : verify::explore::type_name(*type);
}

std::string element_type(const caf::type_erased_tuple& content, std::size_t index) {
  const auto [number, type] = content.type(index);
  return type != nullptr ? verify::explore::type_name(*type) : fmt::format("CAF type {}", number);
}

std::string in_words(const Network& network, const caf::type_erased_tuple& content) {
  std::string text;
  for (std::size_t i = 0; i < content.size(); ++i) {
    text += i == 0 ? "" : " ";
    text += element_in_words(network, content, i);
  }
  return text.empty() ? "nothing" : text;
}

std::string in_words(const Network& network, const caf::mailbox_element& element) {
  return in_words(network, element.content());
}

NodeIndex sender_of(const Network& network, const verify::explore::Delivery& delivery) {
  const auto& sender = delivery.element->sender;
  return sender ? network.index(sender->id()) : delivery.link.sender;
}

std::string in_words(const Network& network, const Choice& step) {
  const std::string receiver = label(network, step.receiver);
  if (step.action == Choice::Action::kill) {
    return fmt::format("fault: {} ends", receiver);
  }
  if (step.action == Choice::Action::timer) {
    if (step.receiver == 0) {
      return "time passes, until the next timeout";
    }
    return fmt::format("fault: a timeout of {} comes out of turn", receiver);
  }
  const auto delivery = network.next(step);
  const auto& element = *delivery.element;
  const std::string what = in_words(network, element);
  const std::string sender = label(network, sender_of(network, delivery));
  std::string text;
  if (element.mid.is_response()) {
    text = fmt::format("{} gets the answer {} from {}", receiver, what, sender);
  } else if (element.mid.is_request()) {
    text = fmt::format("{} is asked by {}: {}", receiver, sender, what);
  } else {
    text = fmt::format("{} gets {} from {}", receiver, what, sender);
  }
  if (!network.is_alive(step.receiver) && step.is_delivery()) {
    text += ", but has ended";
  }
  switch (step.action) {
    case Choice::Action::duplicate:
      return fmt::format("fault: this will happen twice: {}", text);
    case Choice::Action::lose:
      return fmt::format("fault: this will not happen, the message is lost: {}", text);
    case Choice::Action::postpone:
      return fmt::format("fault: this will happen late: {}", text);
    case Choice::Action::deliver_late:
      return fmt::format("late: {}", text);
    default:
      return text;
  }
}

}  // namespace nodezero::explore
