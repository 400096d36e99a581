#include "model/workspace.hpp"

#include <algorithm>

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

ActivationPlan::ActivationPlan(const ModelConfig& config, std::int64_t sequences,
                               std::int64_t context)
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
  residual_size = attended_size = padded(M * C);
  moments_size = 2 * padded(M);
  qkv_size = padded(M * 3 * C);
  log_sums_size = padded(M * config.heads);
  wide_size = padded(M * 4 * C);
  residuals = reserve(2 * L + 1, residual_size);
  moments = reserve(2 * L + 1, moments_size);
  qkv = reserve(L, qkv_size);
  attended = reserve(L, attended_size);
  log_sums = reserve(L, log_sums_size);
  wide = reserve(L, wide_size);
  normed = reserve(1, residual_size);
  branch = reserve(1, residual_size);
  d_residual = reserve(1, residual_size);
  d_normed = reserve(1, residual_size);
  activated = reserve(1, wide_size);
  d_wide = reserve(1, wide_size);
  logits = reserve(logits_rows, padded(logits_stride));
  attention_scratch = reserve(1, attention.scratch_size());
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
    plan.emplace(wanted, sequences, context);
    if (buffer.size() < plan->total) {
      buffer = AlignedBuffer();  // give back first: never hold both
      buffer = AlignedBuffer(plan->total);
    }
  }
}

Workspace::Workspace() : state_(std::make_unique<State>()) {}
Workspace::~Workspace() = default;
Workspace::Workspace(Workspace&&) noexcept = default;
Workspace& Workspace::operator=(Workspace&&) noexcept = default;

std::size_t workspace_bytes(const ModelConfig& config, std::int64_t sequences) {
  return ActivationPlan(config, sequences, config.context).total * sizeof(float);
}

}  // namespace nodezero::model
