// SPDX-License-Identifier: BSD-3-Clause
#include "model/gpt2/workspace.hpp"

#include <algorithm>
#include <stdexcept>

#include "model/kernels/bf16_attention.hpp"
#include "model/kernels/bf16_product.hpp"

namespace nodezero::model {
namespace {

/// Logits of a block of rows take at most this many floats (32 MiB), however large the
/// vocabulary, but for a floor that keeps the products efficient.
constexpr std::int64_t largest_logits_block = std::int64_t{8} << 20;
constexpr std::int64_t least_logits_rows = 32;

std::int64_t round_up(std::int64_t value, std::int64_t unit) {
  return (value + unit - 1) / unit * unit;
}

}  // namespace

ActivationPlan::ActivationPlan(const ModelConfig& config, Precision precision,
                               std::int64_t sequences, std::int64_t context)
    : attention{sequences, context, config.heads, config.head_width()},
      rows(sequences * context),
      logits_stride(round_up(config.vocabulary, 16)) {
  // Blocks of equal size, rather than full ones and a rest.
  const std::int64_t most_rows = std::max(least_logits_rows, largest_logits_block / logits_stride);
  const std::int64_t blocks = std::max<std::int64_t>(1, (rows + most_rows - 1) / most_rows);
  logits_rows = (rows + blocks - 1) / blocks;

  const auto reserve = [this](std::int64_t count, std::size_t size) {
    const std::size_t offset = total;
    total += static_cast<std::size_t>(count) * size;
    return offset;
  };
  const auto padded = [](std::int64_t size) {
    return static_cast<std::size_t>(round_up(size, 16));
  };
  const std::int64_t M = rows, C = config.width, L = config.layers;
  const auto narrow = [&](std::int64_t width) { return padded(M * bf16_stride(width) / 2); };
  const auto product_factor = [&](std::int64_t width) {
    return precision == Precision::bf16 ? narrow(width) : padded(M * width);
  };
  residual_size = padded(M * C);
  moments_size = 2 * padded(M);
  qkv_size = product_factor(3 * C);
  attended_size = product_factor(C);
  log_sums_size = padded(M * config.heads);
  wide_size = product_factor(4 * C);
  residuals = reserve(2 * L + 1, residual_size);
  moments = reserve(2 * L + 1, moments_size);
  qkv = reserve(L, qkv_size);
  attended = reserve(L, attended_size);
  log_sums = reserve(L, log_sums_size);
  wide = reserve(L, wide_size);
  branch = reserve(1, residual_size);
  d_residual = reserve(1, residual_size);
  d_normed = reserve(1, residual_size);
  d_wide = reserve(1, padded(M * 4 * C));
  logits = reserve(logits_rows, padded(logits_stride));
  if (precision == Precision::bf16) {
    narrow_normed = reserve(1, narrow(C));
    narrow_branch = reserve(1, narrow(C));
    narrow_activated = reserve(1, narrow(4 * C));
    narrow_d_wide = reserve(1, narrow(4 * C));
    row_scratch_size = padded(4 * C);
    row_scratch = reserve(2, row_scratch_size);
    const std::size_t products =
        std::max(bf16_product_scratch(4 * C, M),
                 bf16_product_scratch(1, std::max(4 * C, config.vocabulary)));
    product_scratch = reserve(1, padded(static_cast<std::int64_t>(products / 2)));
    attention_scratch = reserve(1, bf16_attention_scratch(attention));
  } else {
    normed = reserve(1, residual_size);
    activated = reserve(1, wide_size);
    attention_scratch = reserve(1, attention.scratch_size());
  }
}

void Workspace::State::prepare(const ModelConfig& wanted,
                               const std::shared_ptr<const TensorLayout>& wanted_layout,
                               std::int64_t sequences, std::int64_t context) {
  if (!offsets || config != wanted || layout != wanted_layout) {
    offsets.emplace(wanted, *wanted_layout);
    plan.reset();
    config = wanted;
    layout = wanted_layout;
  }
  if (!plan || plan->attention.sequences != sequences || plan->attention.context != context) {
    plan.emplace(wanted, precision, sequences, context);
    if (buffer.size() < plan->total) {
      buffer = AlignedBuffer();  // give back first: never hold both
      buffer = AlignedBuffer(plan->total);
    }
  }
}

Workspace::Workspace(Precision precision) : state_(std::make_unique<State>()) {
  if (const auto supported = check_processor(precision); !supported) {
    throw std::invalid_argument(supported.error().message);
  }
  state_->precision = precision;
}
Workspace::~Workspace() = default;
Workspace::Workspace(Workspace&&) noexcept = default;
Workspace& Workspace::operator=(Workspace&&) noexcept = default;

std::chrono::steady_clock::time_point Workspace::forward_end() const {
  return state_->forward_end;
}

std::size_t workspace_bytes(const ModelConfig& config, Precision precision,
                            std::int64_t sequences) {
  return ActivationPlan(config, precision, sequences, config.context).total * sizeof(float);
}

}  // namespace nodezero::model
