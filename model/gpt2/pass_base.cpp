// SPDX-License-Identifier: BSD-3-Clause
#include "model/gpt2/pass_base.hpp"

#include <cassert>

#include "model/kernels/cross_entropy.hpp"
#include "model/kernels/kernels.hpp"

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

void PassBase::embed() {
  const DropoutMask dropped = mask(0, DropoutSite::embedding);
  const ConstMatrix tokens = w_(at_.wte), positions = w_(at_.wpe);
  const KernelTable& table = kernels();
  for (Index row = 0; row < M_; ++row) {
    const float* const token = tokens.row(batch_.inputs[static_cast<std::size_t>(row)]).data();
    const float* const position = positions.row(row % batch_.context).data();
    float* const x = a_.residuals[0].row(row).data();
    table.add(C_, token, position, x);
    dropped.apply_to_row(row, a_.residuals[0].row(row));
  }
}

void PassBase::backward_embedding(const Gpt2Gradient& d) {
  const DropoutMask dropped = mask(0, DropoutSite::embedding);
  Matrix d_tokens = d(at_.wte), d_positions = d(at_.wpe);
  const KernelTable& table = kernels();
  d_positions.setZero();
  if (config_.untied) {
    d_tokens.setZero();
  }
  for (Index row = 0; row < M_; ++row) {
    dropped.apply_to_row(row, a_.d_residual.row(row));
    const float* const d_x = a_.d_residual.row(row).data();
    float* const d_token = d_tokens.row(batch_.inputs[static_cast<std::size_t>(row)]).data();
    float* const d_position = d_positions.row(row % batch_.context).data();
    table.add_to_both(C_, d_x, d_token, d_position);
  }
}

void PassBase::join(const DropoutMask& dropped, ConstMatrix x, ConstVector bias, Matrix out) {
  const KernelTable& table = kernels();
  for (Index row = 0; row < M_; ++row) {
    const float* const from = a_.branch.row(row).data();
    const float* const before = x.row(row).data();
    float* const to = out.row(row).data();
    table.add(C_, from, bias.data(), to);
    dropped.apply_to_row(row, out.row(row));
    table.add(C_, to, before, to);
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

void PassBase::write_losses(Index first, ConstMatrix logits, std::span<double> out) const {
  for (Index row = 0; row < logits.rows(); ++row) {
    const auto token = static_cast<std::size_t>(first + row);
    const std::int32_t target = batch_.targets[token];
    out[token] = target == ignored_target ? 0.0 : negative_log_likelihood(logits.row(row), target);
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
