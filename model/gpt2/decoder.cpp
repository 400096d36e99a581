// SPDX-License-Identifier: BSD-3-Clause
#include "model/gpt2/decoder.hpp"

#include <algorithm>
#include <type_traits>

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

}  // namespace

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
  packed_ = weights_.packed();
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
    piece.cache->add(static_cast<Index>(piece.tokens.size()));
  }
  return normed();
}

void Decoder::logits(ConstMatrix hidden, Matrix out) {
  if (packed_) {
    multiply(hidden, (*packed_)(at_.output), out, products_.span());
  } else if (!is_narrow()) {
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
  if (packed_) {
    multiply(x, (*packed_)(weight), y, products_.span());
  } else if (!is_narrow()) {
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
  is_narrow() ? attend<Bf16>(layer) : attend<float>(layer);
  add_projection(attended(), at.attn_proj_weight, at.attn_proj_bias);

  normalise(at.ln_2_weight, at.ln_2_bias);
  product(normed(), at.fc_weight, wide());
  bias_activation(config_.activation, w_(at.fc_bias), wide(), activated());
  add_projection(activated(), at.mlp_proj_weight, at.mlp_proj_bias);
}

/// y = softmax(q k scale) v for every row and head, over the row's position and those before it.
template <class Value>
void Decoder::attend(Index layer) {
  const Index D = config_.head_width();
  const float scale = config_.attention_scale(layer);
  for (Index row = 0; row < rows_; ++row) {
    const auto [cache, position] = places_[static_cast<std::size_t>(row)];
    const Index seen = position + 1;
    Vector scores = Vector(scores_.span()).head(seen);
    for (Index head = 0; head < config_.heads; ++head) {
      const auto part = [&](Index index) {
        return ConstVector(qkv().row(row).segment(index * C_ + head * D, D));
      };
      const MatrixMap<Value> values = cache->template values<Value>(layer, head);
      remember<Value>(part(1), part(2), position,
                      cache->template keys<Value>(layer, head, position / KeyValueCache::block),
                      values);
      const ConstVector query = as_factor<Value>(part(0));
      for (Index first = 0; first < seen; first += KeyValueCache::block) {
        const Index count = std::min(KeyValueCache::block, seen - first);
        const auto keys = cache->template keys<Value>(layer, head, first / KeyValueCache::block);
        multiply_by(query, keys.leftCols(count), scores.segment(first, count));
      }
      softmax_row(scale, scores);
      Vector y = attended().row(row).segment(head * D, D);
      multiply_by(as_factor<Value>(scores), values.topRows(seen), y);
      end_at_mask(y);
    }
  }
}

/// Writes a head's key and value of a token to their places: keys [D, block], values [T, D].
template <class Value>
void Decoder::remember(ConstVector key, ConstVector value, Index position, MatrixMap<Value> keys,
                       MatrixMap<Value> values) {
  const Index column = position % KeyValueCache::block;
  if constexpr (std::is_same_v<Value, float>) {
    keys.col(column) = key.transpose();
    values.row(position) = value;
  } else {
    const Bf16Vector narrow = Bf16Vector(std::span(narrow_)).head(key.size());
    round_row(key, narrow);
    keys.col(column) = narrow.transpose();
    round_row(value, values.row(position));
  }
}

/// What the product with a matrix of such values takes for x; valid until the next call.
template <class Value>
ConstVector Decoder::as_factor(ConstVector x) {
  if constexpr (std::is_same_v<Value, float>) {
    return x;
  } else {
    return rounded(x);
  }
}

void Decoder::multiply_by(ConstVector x, ConstMatrix w, Vector y) {
  multiply_row(x, w, y);
}

void Decoder::multiply_by(ConstVector x, ConstBf16Matrix w, Vector y) {
  products().multiply_row(x, w, y);
}

}  // namespace nodezero::model
