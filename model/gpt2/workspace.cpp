// SPDX-License-Identifier: BSD-3-Clause
#include "model/gpt2/workspace.hpp"

#include <algorithm>

#include "model/kernels/bf16.hpp"
#include "model/kernels/bf16_attention.hpp"
#include "model/kernels/product_scratch.hpp"

namespace nodezero::model {
namespace {

/// Logits of a block of rows take at most this many floats (32 MiB), however large the
/// vocabulary, but for a floor that keeps the products efficient.
constexpr Index largest_logits_block = Index{8} << 20;
constexpr Index least_logits_rows = 32;

Index round_up(Index value, Index unit) {
  return (value + unit - 1) / unit * unit;
}

/// `count` of what make() makes.
template <class Make>
auto several(Index count, Make make) {
  std::vector<decltype(make())> all;
  all.reserve(static_cast<std::size_t>(count));
  for (Index i = 0; i < count; ++i) {
    all.push_back(make());
  }
  return all;
}

}  // namespace

float* Arena::take(Index floats) {
  float* const part = buffer_ == nullptr ? nullptr : buffer_ + used_;
  used_ += static_cast<std::size_t>(round_up(floats, 16));
  return part;
}

Bf16Matrix Arena::bf16_matrix(Index rows, Index columns) {
  const Index stride = bf16_stride(columns);
  return {reinterpret_cast<Bf16*>(take(rows * stride / 2)), rows, columns, stride};
}

Index logits_rows(Index rows, Index vocabulary) {
  // Blocks of equal size, rather than full ones and a rest, and of whole groups of terms, because
  // the gradient of the output adds up over rows.
  const Index most =
      std::max(least_logits_rows, largest_logits_block / round_up(vocabulary, 16) / 32 * 32);
  const Index blocks = std::max<Index>(1, (rows + most - 1) / most);
  return blocks == 1 ? rows : round_up((rows + blocks - 1) / blocks, 32);
}

Activations activations_in(Arena& arena, const ModelConfig& config, Precision precision,
                           Index sequences, Index context) {
  const Index M = sequences * context, C = config.width, L = config.layers, V = config.vocabulary,
              I = config.inner_width();
  const AttentionShape attention{sequences, context, config.heads, config.head_width()};
  // What is in another precision has no layers and no rows.
  const bool narrow = precision != Precision::fp32;
  const Index wide_L = narrow ? 0 : L, wide_M = narrow ? 0 : M;
  const Index narrow_L = L - wide_L, narrow_M = M - wide_M;
  const auto matrices = [&](Index count, Index rows, Index columns) {
    return several(count, [&] { return arena.matrix(rows, columns); });
  };
  const auto bf16_matrices = [&](Index count, Index columns) {
    return several(count, [&] { return arena.bf16_matrix(M, columns); });
  };
  const Index most = std::max({M, I, 3 * C, V});
  const std::size_t attention_scratch =
      narrow ? bf16_attention_scratch(attention) : attention.scratch_size();
  // Two shapes for what is never needed at once.
  Vector wide_or_qkv = arena.vector(M * std::max(I, 3 * C));
  Bf16* const narrow_wide_or_qkv = arena.bf16_matrix(narrow_M, std::max(I, 3 * C)).data();
  return {
      .attention = attention,
      .residuals = matrices(2 * L + 1, M, C),
      .moments = several(2 * L + 1,
                         [&] {
                           return RowMoments{arena.vector(M), arena.vector(M)};
                         }),
      .qkv = matrices(wide_L, M, 3 * C),
      .narrow_qkv = bf16_matrices(narrow_L, 3 * C),
      .attended = matrices(wide_L, M, C),
      .narrow_attended = bf16_matrices(narrow_L, C),
      .log_sums = matrices(L, sequences * config.heads, context),
      .wide = matrices(wide_L, M, I),
      .narrow_wide = bf16_matrices(narrow_L, I),
      .branch = arena.matrix(M, C),
      .d_residual = arena.matrix(M, C),
      .d_normed = arena.matrix(M, C),
      .d_wide = {wide_or_qkv.data(), M, I},
      .d_qkv = {wide_or_qkv.data(), M, 3 * C},
      .logits = arena.matrix(logits_rows(M, V), V, round_up(V, 16)),
      .normed = arena.matrix(wide_M, C),
      .activated = arena.matrix(wide_M, I),
      .narrow_normed = arena.bf16_matrix(narrow_M, C),
      .narrow_branch = arena.bf16_matrix(narrow_M, C),
      .narrow_activated = arena.bf16_matrix(narrow_M, I),
      .narrow_d_wide = {narrow_wide_or_qkv, narrow_M, I, bf16_stride(I)},
      .narrow_d_qkv = {narrow_wide_or_qkv, narrow_M, 3 * C, bf16_stride(3 * C)},
      .normed_row = arena.vector(narrow ? C : 0),
      .wide_row = arena.vector(narrow ? I : 0),
      .activated_row = arena.vector(narrow ? I : 0),
      .products = arena.vector(product_scratch(most, most, most)),
      .attention_scratch = arena.vector(static_cast<Index>(attention_scratch)),
  };
}

std::size_t workspace_bytes(const ModelConfig& config, Precision precision,
                            std::int64_t sequences) {
  Arena arena(nullptr);
  activations_in(arena, config, precision, sequences, config.context);
  return arena.used() * sizeof(float);
}

void Workspace::State::prepare(const ModelConfig& wanted,
                               const std::shared_ptr<const TensorLayout>& wanted_layout,
                               Index sequences, Index context) {
  if (!places || config != wanted || layout != wanted_layout) {
    places.emplace(wanted, *wanted_layout);
    activations.reset();
    config = wanted;
    layout = wanted_layout;
  }
  if (activations && activations->attention.sequences == sequences &&
      activations->attention.context == context) {
    return;
  }
  activations.reset();
  Arena counting(nullptr);
  activations_in(counting, config, precision, sequences, context);
  if (buffer.size() < counting.used()) {
    buffer = AlignedBuffer();  // give back first: never hold both
    buffer = AlignedBuffer(counting.used());
  }
  Arena arena(buffer.data());
  activations.emplace(activations_in(arena, config, precision, sequences, context));
}

Workspace::Workspace(Precision precision) : state_(std::make_unique<State>()) {
  state_->precision = precision;
}
Workspace::~Workspace() = default;
Workspace::Workspace(Workspace&&) noexcept = default;
Workspace& Workspace::operator=(Workspace&&) noexcept = default;

std::chrono::steady_clock::time_point Workspace::forward_end() const {
  return state_->forward_end;
}

}  // namespace nodezero::model
