// SPDX-License-Identifier: BSD-3-Clause
#include "model/gpt2/pass_base.hpp"

#include <algorithm>

#include "model/kernels/multiversion.hpp"

namespace nodezero::model {

PassBase::PassBase(const ModelConfig& config, const float* weights, const MicroBatch& batch,
                   const DropoutKey& key, Workspace::State& state)
    : config_(config),
      w_(weights),
      batch_(batch),
      key_(key),
      s_(state),
      plan_(*state.plan),
      at_(*state.offsets),
      M_(plan_.rows),
      C_(config.width) {}

NODEZERO_MULTIVERSION void PassBase::embed() {
  const DropoutMask dropped = mask(0, DropoutSite::embedding);
  for (Index row = 0; row < M_; ++row) {
    const float* const token = w_ + at_.wte + batch_.inputs[static_cast<std::size_t>(row)] * C_;
    const float* const position = w_ + at_.wpe + row % batch_.context * C_;
    float* const x = s_.residual(0) + row * C_;
#pragma omp simd
    for (Index c = 0; c < C_; ++c) {
      x[c] = token[c] + position[c];
    }
    dropped.apply_to_row(row, C_, x);
  }
}

NODEZERO_MULTIVERSION void PassBase::backward_embedding(float* d) {
  const DropoutMask dropped = mask(0, DropoutSite::embedding);
  std::fill_n(d + at_.wpe, config_.context * C_, 0.0f);
  for (Index row = 0; row < M_; ++row) {
    float* const d_x = d_residual() + row * C_;
    dropped.apply_to_row(row, C_, d_x);
    float* const d_token = d + at_.wte + batch_.inputs[static_cast<std::size_t>(row)] * C_;
    float* const d_position = d + at_.wpe + row % batch_.context * C_;
#pragma omp simd
    for (Index c = 0; c < C_; ++c) {
      d_token[c] += d_x[c];
      d_position[c] += d_x[c];
    }
  }
}

NODEZERO_MULTIVERSION void PassBase::join(const DropoutMask& dropped, const float* x,
                                          const float* bias, float* out) {
  for (Index row = 0; row < M_; ++row) {
    const float* const from = branch() + row * C_;
    float* const to = out + row * C_;
#pragma omp simd
    for (Index c = 0; c < C_; ++c) {
      to[c] = from[c] + bias[c];
    }
    dropped.apply_to_row(row, C_, to);
#pragma omp simd
    for (Index c = 0; c < C_; ++c) {
      to[c] += x[row * C_ + c];
    }
  }
}

const float* PassBase::enter_branch(const DropoutMask& dropped) {
  if (!dropped.active()) {
    return d_residual();
  }
  std::copy_n(d_residual(), M_ * C_, branch());
  for (Index row = 0; row < M_; ++row) {
    dropped.apply_to_row(row, C_, branch() + row * C_);
  }
  return branch();
}

}  // namespace nodezero::model
