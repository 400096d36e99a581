// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "actors/interfaces.hpp"
#include "runtime/recorded.hpp"
#include "verify/scenarios/ledger.hpp"

namespace nodezero::verify {

/// The epochs that a scenario asks node_zero for, and how that went.
struct Epochs {
  std::uint64_t count = 1;
  bool may_fail = false;  ///< a typed failure is a good end

  // Of a run:
  actors::node_zero_actor root;
  bool finished = false;
  bool failed = false;  ///< with a typed failure

  void begin(actors::node_zero_actor node_zero) {
    root = std::move(node_zero);
    finished = false;
    failed = false;
  }
};

/// Asks for one epoch after the other.
class epoch_asker : public runtime::recorded<caf::event_based_actor> {
 public:
  epoch_asker(caf::actor_config& config, Epochs& epochs, Ledger& ledger)
      : recorded(config), epochs_(epochs), ledger_(ledger) {}

  const char* name() const override { return "host"; }
  caf::behavior make_behavior() override;

 private:
  void next_epoch(const actors::Envelope& here);

  Epochs& epochs_;
  Ledger& ledger_;
};

}  // namespace nodezero::verify
