// SPDX-License-Identifier: BSD-3-Clause
#include "model/gpt2/decoder.hpp"

#include <algorithm>

#include "model/kernels/attention_rows.hpp"
#include "model/kernels/elementwise.hpp"
#include "model/kernels/kernels.hpp"
#include "model/kernels/layer_norm.hpp"
#include "model/kernels/matrix_product.hpp"

namespace nodezero::model {
namespace {

std::size_t floats(Index count) {
  return static_cast<std::size_t>(count);
}

/// Matrices of a cache, which holds floats or, if it is narrow, numbers in bf16.
template <class Value>
MatrixMap<Value> cached(AlignedBuffer& buffer, Index layer, Index rows, Index columns) {
  return {reinterpret_cast<Value*>(buffer.data()) + layer * rows * columns, rows, columns};
}

}  // namespace

DecoderWeights::DecoderWeights(std::shared_ptr<const Parameters> weights, Precision precision)
    : values(std::move(weights)), precision(precision) {
  if (precision != Precision::fp32) {
    halves.resize(values->values().size());
    round_row(ConstVector(values->values()), Bf16Vector(std::span(halves)));
  }
}

KeyValueCache::KeyValueCache(const ModelConfig& config)
    : keys_(floats(config.layers * config.context * config.width)),
      values_(floats(config.layers * config.context * config.width)) {}

Decoder::Decoder(const ModelConfig& config, const DecoderWeights& weights)
    : config_(config),
      weights_(weights),
      w_(weights.values->values()),
      halves_(weights.halves),
      at_(config, *weights.values->layout()),
      C_(config.width),
      inner_(config.inner_width()),
      scores_(floats(config.context)) {}

ConstMatrix Decoder::extend(std::span<const Piece> pieces) {
  places_.clear();
  for (const Piece& piece : pieces) {
    for (std::size_t i = 0; i < piece.tokens.size(); ++i) {
      places_.push_back({piece.cache, piece.cache->size() + static_cast<Index>(i)});
    }
  }
  rows_ = static_cast<Index>(places_.size());
  make_room();
  Index row = 0;
  for (const Piece& piece : pieces) {
    for (const std::int32_t token : piece.tokens) {
      embed(token, places_[static_cast<std::size_t>(row)].position, x().row(row));
      ++row;
    }
  }
  for (Index layer = 0; layer < config_.layers; ++layer) {
    block(layer);
  }
  normalise(at_.ln_f_weight, at_.ln_f_bias);
  for (const Piece& piece : pieces) {
    piece.cache->size_ += static_cast<Index>(piece.tokens.size());
  }
  return normed();
}

void Decoder::logits(ConstMatrix hidden, Matrix out) {
  if (!is_narrow()) {
    multiply(hidden, w_(at_.output).transpose(), out, products_.span());
  } else if (hidden.rows() == 1) {
    products().multiply_row(rounded(hidden.row(0)), halves_(at_.output).transpose(), out.row(0));
  } else {
    Bf16Matrix narrow{std::span(narrow_), hidden.rows(), hidden.cols()};
    round_rows(hidden, narrow);
    products().multiply(narrow, halves_(at_.output).transpose(), out);
  }
}

/// y = x w.
void Decoder::product(ConstMatrix x, const MatrixPlace& weight, Matrix y) {
  if (!is_narrow()) {
    multiply(x, w_(weight), y, products_.span());
  } else if (x.rows() == 1) {
    products().multiply_row(rounded(x.row(0)), halves_(weight), y.row(0));
  } else {
    Bf16Matrix narrow{std::span(narrow_), x.rows(), x.cols()};
    round_rows(x, narrow);
    products().multiply(narrow, halves_(weight), y);
  }
}

/// What x becomes by rounding; valid until the next call.
ConstVector Decoder::rounded(ConstVector x) {
  Bf16Vector narrow = Bf16Vector(std::span(narrow_)).head(x.size());
  Vector widened = Vector(std::span(rounded_)).head(x.size());
  round_row(x, narrow);
  widen_row(narrow, widened);
  return widened;
}

void Decoder::make_room() {
  if (floats(rows_ * C_) <= x_.size()) {
    return;
  }
  const Index widest = std::max(inner_, 3 * C_);
  for (AlignedBuffer* buffer : {&x_, &normed_, &attended_, &branch_}) {
    *buffer = AlignedBuffer(floats(rows_ * C_));
  }
  for (AlignedBuffer* buffer : {&wide_, &activated_}) {
    *buffer = AlignedBuffer(floats(rows_ * widest));
  }
  moments_ = AlignedBuffer(floats(2 * rows_));
  products_ =
      AlignedBuffer(floats(product_scratch(rows_, std::max(widest, config_.vocabulary), widest)));
  if (is_narrow()) {
    narrow_.resize(floats(std::max(rows_ * widest, config_.context)));
    rounded_.resize(floats(std::max(widest, config_.context)));
  }
}

void Decoder::embed(Index token, Index position, Vector x) const {
  kernels().add(C_, w_(at_.wte).row(token).data(), w_(at_.wpe).row(position).data(), x.data());
}

void Decoder::normalise(const VectorPlace& gain, const VectorPlace& bias) {
  Vector moments(moments_.span());
  layer_norm(x(), w_(gain), w_(bias), static_cast<float>(config_.layer_norm_epsilon), normed(),
             {moments.head(rows_), moments.tail(rows_)});
}

/// x += input w + b.
void Decoder::add_projection(ConstMatrix input, const MatrixPlace& weight,
                             const VectorPlace& bias) {
  product(input, weight, branch());
  add_bias(w_(bias), branch());
  kernels().add(rows_ * C_, branch_.data(), x_.data(), x_.data());
}

void Decoder::block(Index layer) {
  const BlockPlaces& at = at_.blocks[static_cast<std::size_t>(layer)];
  normalise(at.ln_1_weight, at.ln_1_bias);
  product(normed(), at.attn_weight, qkv());
  add_bias(w_(at.attn_bias), qkv());
  attend(layer);
  add_projection(attended(), at.attn_proj_weight, at.attn_proj_bias);

  normalise(at.ln_2_weight, at.ln_2_bias);
  product(normed(), at.fc_weight, wide());
  bias_activation(config_.activation, w_(at.fc_bias), wide(), activated());
  add_projection(activated(), at.mlp_proj_weight, at.mlp_proj_bias);
}

void Decoder::attend(Index layer) {
  const Index T = config_.context;
  const float scale = config_.attention_scale(layer);
  for (Index row = 0; row < rows_; ++row) {
    const auto [cache, position] = places_[static_cast<std::size_t>(row)];
    const ConstVector from = qkv().row(row), q = from.head(C_);
    Vector to = attended().row(row);
    if (is_narrow()) {
      Bf16Matrix keys = cached<Bf16>(cache->keys_, layer, C_, T),
                 values = cached<Bf16>(cache->values_, layer, T, C_);
      round_row(from.segment(C_, C_), Bf16Vector(std::span(narrow_)).head(C_));
      for (Index c = 0; c < C_; ++c) {
        keys(c, position) = narrow_[static_cast<std::size_t>(c)];
      }
      round_row(from.tail(C_), values.row(position));
      attend_row(scale, position, ConstBf16Matrix(keys), ConstBf16Matrix(values), q, to,
                 [this](ConstVector x, ConstBf16Matrix w, Vector y) {
                   products().multiply_row(rounded(x), w, y);
                 });
    } else {
      Matrix keys = cached<float>(cache->keys_, layer, C_, T),
             values = cached<float>(cache->values_, layer, T, C_);
      keys.col(position) = from.segment(C_, C_).transpose();
      values.row(position) = from.tail(C_);
      attend_row(scale, position, ConstMatrix(keys), ConstMatrix(values), q, to,
                 [](ConstVector x, ConstMatrix w, Vector y) { multiply_row(x, w, y); });
    }
  }
}

/// y = softmax(q k scale) v for every head over the positions up to `position`: q, y [C],
/// keys [C, T], values [T, C].
template <class Keys, class Multiply>
void Decoder::attend_row(float scale, Index position, const Keys& keys, const Keys& values,
                         ConstVector q, Vector y, Multiply multiply) {
  const Index D = config_.head_width(), seen = position + 1;
  Vector scores = Vector(scores_.span()).head(seen);
  for (Index c = 0; c < C_; c += D) {
    multiply(q.segment(c, D), keys.block(c, 0, D, seen), scores);
    softmax_row(scale, scores);
    multiply(scores, values.block(0, c, seen, D), y.segment(c, D));
    end_at_mask(y.segment(c, D));
  }
}

}  // namespace nodezero::model
