// SPDX-License-Identifier: BSD-3-Clause
#include "verify/scenarios/epoch_asker.hpp"

namespace nodezero::verify {

caf::behavior epoch_asker::make_behavior() {
  next_epoch({});
  return {[](caf::unit_t) {}};
}

void epoch_asker::next_epoch(const actors::Envelope& here) {
  if (here.epoch == epochs_.count) {
    epochs_.finished = true;
    return;
  }
  request(epochs_.root, std::chrono::seconds(1'000'000), actors::begin_epoch{here})
      .then(
          [this](const actors::epoch_done& done) {
            const auto& at = done.envelope();
            ledger_.epoch_answered(at);
            next_epoch({at.run, at.epoch + 1, ledger_.steps_applied(), at.version});
          },
          [this](const caf::error& error) {
            const auto reason = actors::to_error(error);
            if (epochs_.may_fail) {
              epochs_.failed = true;
            } else {
              ledger_.broken("an epoch failed though nothing went wrong: " + to_string(reason));
            }
            epochs_.finished = true;
          });
}

}  // namespace nodezero::verify
