// SPDX-License-Identifier: BSD-3-Clause
#include "actors/run/driver.hpp"

#include <chrono>
#include <utility>

#include "actors/fingerprints.hpp"

namespace nodezero::actors {
namespace {

// An epoch has no natural bound; node_zero's watchdog notices when nothing happens. This is the
// largest count of seconds that is safe to add to CAF's clock.
constexpr auto epoch_timeout = std::chrono::seconds(1'000'000'000);

}  // namespace

driver::driver(caf::actor_config& config, DriverSettings settings)
    : recorded(config), settings_(std::move(settings)) {}

driver::behavior_type driver::make_behavior() {
  monitor(settings_.root);
  monitor(settings_.lifecycle);
  set_down_handler([this](const caf::down_msg& down) { deliver(to_error(down.reason), {}); });
  return {
      [this](const run_all&) -> caf::result<run_ended> {
        auto promise = make_response_promise<run_ended>();
        const auto& progress = settings_.progress;
        state_ = {promise, {progress.run, progress.epoch, progress.step, progress.version}, false};
        // A run that was stopped at an epoch boundary may have missed what happens there.
        const bool at_boundary = progress.step > 0 && progress.step_in_epoch == 0;
        if (at_boundary && settings_.validates) {
          evaluate_version();
        } else {
          next_epoch();
        }
        return promise;
      },
  };
}

std::uint64_t driver::state_digest(const runtime::ActorKeys& keys) const {
  return runtime::fingerprint(keys, state_);
}

bool driver::is_finished() const {
  return settings_.steps > 0 ? state_.envelope.step >= settings_.steps
                             : state_.envelope.epoch >= settings_.epochs;
}

void driver::next_epoch() {
  if (is_over()) {
    return;
  }
  if (is_finished()) {
    end({});
    return;
  }
  request(settings_.root, epoch_timeout, begin_epoch{state_.envelope})
      .then([this](const epoch_done& done) { epoch_ended(done); },
            [this](const caf::error& error) { end(to_error(error)); });
}

void driver::epoch_ended(const epoch_done& done) {
  if (is_over()) {
    return;
  }
  const bool has_trained = done.envelope().version != state_.envelope.version;
  if (!done.sealed() || done.envelope().run != state_.envelope.run ||
      done.envelope().epoch != state_.envelope.epoch) {
    end(Error{ErrorCode::unsealed, "the end of another epoch was announced", at(state_.envelope)});
    return;
  }
  if (!has_trained && settings_.steps > 0) {
    end(Error{ErrorCode::conservation,
              "the epoch had no step, so the run would never reach its number of steps",
              at(state_.envelope)});
    return;
  }
  ++state_.envelope.epoch;
  state_.envelope.step = done.envelope().step + (has_trained ? 1 : 0);
  state_.envelope.version = done.envelope().version;
  if (settings_.validates && has_trained) {
    evaluate_version();
  } else {
    sample(0);
  }
}

void driver::evaluate_version() {
  request(settings_.root, epoch_timeout, evaluate{state_.envelope})
      .then([this](const EvaluationSummary&) { sample(0); },
            [this](const caf::error& error) { end(to_error(error)); });
}

void driver::sample(std::size_t prompt) {
  if (prompt == settings_.prompts.size()) {
    next_epoch();
    return;
  }
  request(
      settings_.lifecycle, settings_.timeout,
      generate{settings_.prompts[prompt], settings_.sample_tokens, settings_.sampling, {}, true})
      .then(
          [this, prompt](const generated& answer) {
            send(settings_.observer,
                 telemetry_sample{
                     {state_.envelope.epoch - 1, answer.envelope.version, prompt, answer.tokens}});
            sample(prompt + 1);
          },
          [this](const caf::error& error) {
            const Error reason = to_error(error);
            if (reason.code != ErrorCode::stopped) {
              send(settings_.observer,
                   telemetry_notice{{"a prompt was not sampled: " + to_string(reason)}});
            }
            next_epoch();
          });
}

void driver::end(std::optional<Error> reason) {
  if (reason && reason->code == ErrorCode::stopped) {
    state_.was_stopped = true;
    reason.reset();
  }
  request(settings_.lifecycle, settings_.timeout, stop{})
      .then([this, reason](const stopped& answer) { deliver(reason, answer.checkpoint); },
            [this, reason](const caf::error& error) {
              deliver(reason.value_or(to_error(error)), {});
            });
}

void driver::deliver(std::optional<Error> reason, const model::Checkpoint& checkpoint) {
  if (is_over()) {
    return;
  }
  const auto [answer, envelope, was_stopped] = std::exchange(state_, {});
  const run_ended last_word{was_stopped, std::move(reason), checkpoint};
  auto say = [answer = answer, last_word]() mutable { answer.deliver(last_word); };
  request(settings_.observer, settings_.timeout, telemetry_flush{})
      .then([say](const telemetry_flushed&) mutable { say(); },
            [say](const caf::error&) mutable { say(); });
}

}  // namespace nodezero::actors
