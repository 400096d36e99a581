// SPDX-License-Identifier: BSD-3-Clause
#include "model/gpt2/pass_base.hpp"

#include <cassert>

#include "model/kernels/cross_entropy.hpp"
#include "model/kernels/multiversion.hpp"

namespace nodezero::model {

PassBase::PassBase(const ModelConfig& config, std::span<const float> weights,
                   const MicroBatch& batch, const DropoutKey& key, Workspace::State& state)
    : config_(config),
      w_(weights),
      batch_(batch),
      key_(key),
      a_(*state.activations),
      at_(*state.places),
      M_(batch.sequences * batch.context),
      C_(config.width) {}

NODEZERO_MULTIVERSION void PassBase::embed() {
  const DropoutMask dropped = mask(0, DropoutSite::embedding);
  const ConstMatrix tokens = w_(at_.wte), positions = w_(at_.wpe);
  const Index width = C_;
  for (Index row = 0; row < M_; ++row) {
    const float* const token = tokens.row(batch_.inputs[static_cast<std::size_t>(row)]).data();
    const float* const position = positions.row(row % batch_.context).data();
    float* const x = a_.residuals[0].row(row).data();
#pragma omp simd
    for (Index c = 0; c < width; ++c) {
      x[c] = token[c] + position[c];
    }
    dropped.apply_to_row(row, a_.residuals[0].row(row));
  }
}

NODEZERO_MULTIVERSION void PassBase::backward_embedding(const Gpt2Gradient& d) {
  const DropoutMask dropped = mask(0, DropoutSite::embedding);
  Matrix d_tokens = d(at_.wte), d_positions = d(at_.wpe);
  const Index width = C_;
  d_positions.setZero();
  for (Index row = 0; row < M_; ++row) {
    dropped.apply_to_row(row, a_.d_residual.row(row));
    const float* const d_x = a_.d_residual.row(row).data();
    float* const d_token = d_tokens.row(batch_.inputs[static_cast<std::size_t>(row)]).data();
    float* const d_position = d_positions.row(row % batch_.context).data();
#pragma omp simd
    for (Index c = 0; c < width; ++c) {
      d_token[c] += d_x[c];
      d_position[c] += d_x[c];
    }
  }
}

NODEZERO_MULTIVERSION void PassBase::join(const DropoutMask& dropped, ConstMatrix x,
                                          ConstVector bias, Matrix out) {
  const float* const b = bias.data();
  const Index width = C_;
  for (Index row = 0; row < M_; ++row) {
    const float* const from = a_.branch.row(row).data();
    const float* const before = x.row(row).data();
    float* const to = out.row(row).data();
#pragma omp simd
    for (Index c = 0; c < width; ++c) {
      to[c] = from[c] + b[c];
    }
    dropped.apply_to_row(row, out.row(row));
#pragma omp simd
    for (Index c = 0; c < width; ++c) {
      to[c] += before[c];
    }
  }
}

ConstMatrix PassBase::enter_branch(const DropoutMask& dropped) {
  if (!dropped.active()) {
    return a_.d_residual;
  }
  for (Index row = 0; row < M_; ++row) {
    a_.branch.row(row) = a_.d_residual.row(row);
    dropped.apply_to_row(row, a_.branch.row(row));
  }
  return a_.branch;
}

void PassBase::add_losses(Index first, ConstMatrix logits, double& sum) const {
  for (Index row = 0; row < logits.rows(); ++row) {
    const std::int32_t target = batch_.targets[static_cast<std::size_t>(first + row)];
    if (target != ignored_target) {
      sum += negative_log_likelihood(logits.row(row), target);
    }
  }
}

double PassBase::backward_loss_of(Index token, Vector logits) const {
  const std::int32_t target = batch_.targets[static_cast<std::size_t>(token)];
  if (target == ignored_target) {
    logits.setZero();
    return 0;
  }
  return cross_entropy_backward(logits, target);
}

}  // namespace nodezero::model
