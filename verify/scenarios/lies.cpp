// SPDX-License-Identifier: BSD-3-Clause
#include "verify/scenarios/lies.hpp"

#include "actors/messages.hpp"

namespace nodezero::verify {

using actors::gradient;
using actors::Partial;
using actors::PositionRange;
using actors::report;
using explore::Delivery;

namespace {

/// Applies `change` to a message of the first sphere.
template <class Message, auto change>
bool in(const Delivery& delivery) {
  const auto* message = delivery.as<Message>();
  if (!message || message->sphere != 1) {
    return false;
  }
  change(const_cast<Message&>(*message));  // its sender would have sent it so
  return true;
}

/// The same for the sum that a gradient carries.
template <auto change>
bool in_sum(const Delivery& delivery) {
  return in<gradient, [](gradient& message) {
    if (message.partial.full()) {
      change(const_cast<Partial&>(*message.partial.peek()));
    }
  }>(delivery);
}

}  // namespace

const std::map<std::string, Lie>& lies() {
  static const std::map<std::string, Lie> all = {
      {"sum-of-nothing", in<gradient, [](gradient& g) { g.range.last = g.range.first; }>},
      {"sum-beyond-step", in<gradient,
                             [](gradient& g) {
                               g.range = {1'000'000, 1'000'001};
                             }>},
      {"sum-backwards", in<gradient,
                           [](gradient& g) {
                             g.range = {g.range.last, g.range.first};
                           }>},
      {"sum-missing", in<gradient, [](gradient& g) { g.partial = {}; }>},
      {"other-sum", in_sum<[](Partial& part) { part.range.last += 1; }>},
      {"sum-without-gradient", in_sum<[](Partial& part) { part.gradient = {}; }>},
      {"negative-tokens", in_sum<[](Partial& part) { part.loss.valid_tokens = -5; }>},
      {"countless-tokens",
       in_sum<[](Partial& part) { part.loss.valid_tokens = std::int64_t{1} << 62; }>},
      {"other-tokens", in<report, [](report& r) { r.loss.valid_tokens += 1; }>},
      {"more-work", in<report, [](report& r) { r.positions.push_back(1'000'000); }>},
      {"less-work", in<report, [](report& r) { r.positions.clear(); }>},
  };
  return all;
}

}  // namespace nodezero::verify
