// SPDX-License-Identifier: BSD-3-Clause
#include "verify/explore/report.hpp"

#include <cstdlib>
#include <cxxabi.h>
#include <memory>

namespace nodezero::verify::explore {

std::string type_name(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), &std::free);
  std::string name = text ? text.get() : type.name();
  const auto colon = name.rfind(':');
  return colon == std::string::npos ? name : name.substr(colon + 1);
}

void Coverage::note(const Network& network, const Delivery& delivery) {
  ++counts_[{delivery.receiver_name, network.state(delivery.link.receiver), delivery.type}];
}

void Coverage::add(const Coverage& other) {
  for (const auto& [pair, count] : other.counts_) {
    counts_[pair] += count;
  }
}

std::map<Coverage::Pair, std::uint64_t> Coverage::met() const {
  std::map<Pair, std::uint64_t> result;
  for (const auto& [key, count] : counts_) {
    const auto& [actor, state, type] = key;
    result[{static_cast<const char*>(actor), static_cast<const char*>(state),
            type_name(*static_cast<const std::type_info*>(type))}] += count;
  }
  return result;
}

std::set<Coverage::Pair> Coverage::unmet() const {
  const auto pairs = met();
  std::map<std::string, std::set<std::string>> states;
  std::map<std::string, std::set<std::string>> messages;
  for (const auto& [pair, count] : pairs) {
    states[pair.actor].insert(pair.state);
    messages[pair.actor].insert(pair.message);
  }
  std::set<Pair> result;
  for (const auto& [actor, of_actor] : states) {
    for (const auto& state : of_actor) {
      for (const auto& message : messages[actor]) {
        if (!pairs.contains({actor, state, message})) {
          result.insert({actor, state, message});
        }
      }
    }
  }
  return result;
}

}  // namespace nodezero::verify::explore
