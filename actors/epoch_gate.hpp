// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <tuple>
#include <utility>

#include "actors/errors.hpp"
#include "actors/optimizer_complete.hpp"
#include "runtime/caf.hpp"

namespace nodezero::actors {

/// The success of an epoch. Only an epoch_gate makes one with content; the default-made
/// one is what CAF needs, and the driver refuses it as unsealed.
class epoch_done {
 public:
  epoch_done() = default;

  bool sealed() const { return sealed_; }
  /// Run and epoch that ended, its last step and the version of the weights after it.
  const Envelope& envelope() const { return envelope_; }

  auto fields() const {
    const auto& [sealed, envelope] = *this;
    return std::tie(sealed, envelope);
  }

 private:
  friend class epoch_gate;
  explicit epoch_done(const Envelope& envelope) : sealed_(true), envelope_(envelope) {}

  bool sealed_ = false;
  Envelope envelope_;
};

}  // namespace nodezero::actors

NODEZERO_SHARED_MESSAGE(nodezero::actors::epoch_done)

namespace nodezero::actors {

/// Answers "has the epoch ended?" exactly once. The system that Node Zero replaces
/// announced the end of an epoch before its optimizer had run. Here the promise of
/// begin_epoch lives in a gate with two ways out: `complete`, which takes the optimizer's
/// proof of the epoch's last step, and `fail`. The gate is move-only and both ways consume
/// it; answering early does not compile.
class epoch_gate {
 public:
  using promise = caf::typed_response_promise<epoch_done>;

  /// Guards the answer to the epoch that `envelope` names; `last_step` is the number of
  /// the step, over all epochs, whose proof opens the gate.
  epoch_gate(promise answer, const Envelope& envelope, std::uint64_t last_step)
      : answer_(std::move(answer)), envelope_(envelope), last_step_(last_step) {}
  epoch_gate(epoch_gate&&) noexcept = default;
  epoch_gate& operator=(epoch_gate&&) noexcept = default;
  epoch_gate(const epoch_gate&) = delete;
  epoch_gate& operator=(const epoch_gate&) = delete;

  /// True if `complete` would succeed with this proof.
  bool opens_with(const optimizer_complete& proof) const {
    return proof.sealed() && proof.envelope().run == envelope_.run &&
           proof.envelope().epoch == envelope_.epoch && proof.envelope().step == last_step_;
  }

  /// Answers with success if the proof is the optimizer's for this epoch's last step, with
  /// ErrorCode::unsealed or ErrorCode::stale if it is not.
  void complete(const optimizer_complete& proof) && {
    if (opens_with(proof)) {
      answer_.deliver(epoch_done(proof.envelope()));
      return;
    }
    answer_.deliver(make_error({proof.sealed() ? ErrorCode::stale : ErrorCode::unsealed,
                                "this proof does not end the epoch", at(envelope_)}));
  }

  /// Answers with an error.
  void fail(Error reason) && { answer_.deliver(make_error(std::move(reason))); }

  auto fields() const {
    const auto& [answer, envelope, last_step] = *this;
    return std::tie(answer, envelope, last_step);
  }

 private:
  promise answer_;
  Envelope envelope_;
  std::uint64_t last_step_;
};

}  // namespace nodezero::actors
