// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <tuple>
#include <utility>

#include "model/tensors/tensor_set.hpp"
#include "model/training/adamw.hpp"
#include "runtime/caf.hpp"
#include "runtime/envelope.hpp"

namespace nodezero::actors {

class optimizer;

/// Proof that the optimizer has finished a step: the only thing that opens an epoch_gate
/// with success. Only the optimizer can mint a sealed one; the public default constructor
/// exists because CAF needs it and makes an unsealed one, which every receiver refuses.
class optimizer_complete {
 public:
  optimizer_complete() = default;

  bool sealed() const { return sealed_; }
  /// Run, epoch and step that were applied, and the version of the weights after it.
  const runtime::Envelope& envelope() const { return envelope_; }
  const std::shared_ptr<const model::Parameters>& weights() const { return weights_; }
  /// Null unless the step asked for it.
  const std::shared_ptr<const model::OptimizerState>& state() const { return state_; }
  double gradient_norm() const { return gradient_norm_; }  ///< of the mean, before clipping
  double learning_rate() const { return learning_rate_; }

  auto fields() const {
    const auto& [sealed, envelope, weights, state, gradient_norm, learning_rate] = *this;
    return std::tie(sealed, envelope, weights, state, gradient_norm, learning_rate);
  }

 private:
  friend class optimizer;
  optimizer_complete(runtime::Envelope envelope, std::shared_ptr<const model::Parameters> weights,
                     std::shared_ptr<const model::OptimizerState> state, double gradient_norm,
                     double learning_rate)
      : sealed_(true),
        envelope_(envelope),
        weights_(std::move(weights)),
        state_(std::move(state)),
        gradient_norm_(gradient_norm),
        learning_rate_(learning_rate) {}

  bool sealed_ = false;
  runtime::Envelope envelope_;
  std::shared_ptr<const model::Parameters> weights_;
  std::shared_ptr<const model::OptimizerState> state_;
  double gradient_norm_ = 0;
  double learning_rate_ = 0;
};

}  // namespace nodezero::actors

NODEZERO_SHARED_MESSAGE(nodezero::actors::optimizer_complete)
