// SPDX-License-Identifier: BSD-3-Clause

// The replica of the run's state that the exchange of a host has its optimizer keep.

#include <utility>

#include "actors/hosts/exchange.hpp"

namespace nodezero::actors {

void exchange::apply_here(apply message, const model::TrainingProgress& after) {
  is_applying_ = true;
  progress_after_ = after;
  request(settings_.optimizer, caf::infinite, std::move(message))
      .then([this](const optimizer_complete& proof) { applied(proof); },
            [this](const caf::error& error) {
              settings_.coordinator.send(
                  *this, wire::failed{last_term_, settings_.machine, to_string(to_error(error))});
              quit(caf::exit_reason::user_shutdown);
            });
}

void exchange::applied(const optimizer_complete& proof) {
  is_applying_ = false;
  progress_ = progress_after_;
  weights_ = proof.weights();
  here_.version = proof.envelope().version;
  ++here_.step;
  if (applying_missed_.pending()) {
    std::exchange(applying_missed_, {}).deliver(missed_applied{});
  }
  if (handing_over_.pending()) {
    finish_handing_over();
    return;
  }
  apply_next_missed();
  if (later_plan_) {
    take_plan(*std::exchange(later_plan_, std::nullopt));
  }
}

// -- steps of the others ---------------------------------------------------------------------

caf::result<missed_applied> exchange::take_missed(const apply_missed& message) {
  auto promise = make_response_promise<missed_applied>();
  missed_.push_back({message, promise});
  apply_next_missed();
  return promise;
}

void exchange::apply_next_missed() {
  if (is_applying_ || missed_.empty() || step_) {
    return;
  }
  auto [missed, promise] = std::move(missed_.front());
  missed_.pop_front();
  applying_missed_ = promise;
  here_.epoch = missed.progress.epoch;
  weights_.reset();  // so that the optimizer may write in place
  apply_here({here_, std::move(missed.sum), missed.valid_tokens, true, false,
              std::move(missed.squared_norms)},
             missed.progress);
}

// -- the end ---------------------------------------------------------------------------------

caf::result<handed_over> exchange::hand_over_state() {
  give_up();
  missed_.clear();
  handing_over_ = make_response_promise<handed_over>();
  auto promise = handing_over_;
  if (!is_applying_) {
    finish_handing_over();
  }
  return promise;
}

void exchange::finish_handing_over() {
  request(settings_.optimizer, caf::infinite, export_state{here_})
      .then(
          [this](const exported_state& state) {
            std::exchange(handing_over_, {}).deliver(handed_over{progress_, state});
          },
          [this](caf::error& error) {
            std::exchange(handing_over_, {}).deliver(std::move(error));
          });
}

}  // namespace nodezero::actors
