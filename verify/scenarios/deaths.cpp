// SPDX-License-Identifier: BSD-3-Clause
#include "verify/scenarios/deaths.hpp"

#include <string_view>

namespace nodezero::verify {

using explore::NodeIndex;

void Deaths::begin(explore::Network& network) {
  network_ = &network;
  known_ = 0;
  follow();
}

void Deaths::follow() {
  while (known_ < network_->actors()) {
    const std::string_view name = network_->name(++known_);
    if (name == "worker" || name == "control") {
      const auto target = network_->actor(known_);
      network_->inject(target, caf::make_message_id(caf::message_priority::high),
                       caf::make_message(caf::exit_msg{target->address(), caf::exit_reason::kill}),
                       true);
    }
  }
}

}  // namespace nodezero::verify
