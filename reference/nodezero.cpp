// SPDX-License-Identifier: BSD-3-Clause
// What Node Zero computes, on one page: no actors, no threads, no vectors, nothing but the standard library.
// It trains a small GPT-2 on the bytes of a text and writes a model folder. In words: docs/arithmetic.md
//   g++ -std=c++17 -O2 -ffp-contract=off reference/nodezero.cpp -o page
//   ./page TEXT OUT [fp32|bf16|bf16-tile [fp32|bf16]]
// leaves the weights of: nodezero train --preset reference --data TEXT --out OUT --precision P --exchange E
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {
using Index = std::size_t;
using Word = std::uint32_t;
using Long = std::uint64_t;
using std::string;

// ---- Options. Odd sizes, so that nothing comes out even: layers, heads, channels, context, vocabulary
constexpr Index L = 2, H = 3, C = 51, D = C / H, T = 67, V = 256;
constexpr Index sequences = 2, micro_batches = 5, total_steps = 6, warmup = 2, seed = 1337;
constexpr double dropout = 0.1, validation = 0.1, learning_rate = 3e-3, min_learning_rate = 3e-4;
constexpr double beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8, weight_decay = 0.1, clip = 1.0;
enum Precision { fp32, bf16, bf16_tile } precision = fp32, exchange = fp32;

// ---- Functions of numbers
template <class To, class From>
To bits_of(From from) {
  To to;
  return std::memcpy(&to, &from, sizeof to), to;
}

/// a b + c, rounded once. In double the product is exact. If the sum, rounded to double, came to lie halfway
/// between two floats, rounding it again could go wrong, so there it is moved to the side of what was lost.
float fma(float a, float b, float c) {
  const double product = double(a) * b, sum = product + c;
  const Long bits = bits_of<Long>(sum);
  if ((bits & 0xFFFFFFF) == 0) {
    const double c_part = sum - product, lost = (product - (sum - c_part)) + (c - c_part);
    if (lost > 0 || lost < 0) return float(bits_of<double>((lost > 0) == (sum > 0) ? bits + 1 : bits - 1));
  }
  return float(sum);
}

float exp(float x) {
  x = x < -104.0f ? -104.0f : x > 89.0f ? 89.0f : x;
  const float shifted = fma(x, 0x1.715476p0f, 0x1.8p23f), n = shifted - 0x1.8p23f;
  const float r = fma(n, -0x1.0bfbe8p-15f, fma(n, -0x1.62ep-1f, x));
  float p = 1.0f / 5040;
  for (float c : {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f}) p = fma(p, r, c);
  // Times 2^n in two steps, because 2^n may not be a float where p 2^n is one. The first step is exact.
  const auto whole = bits_of<std::int32_t>(shifted) - 0x4B400000, half = whole >> 1;
  return p * bits_of<float>((half + 127) << 23) * bits_of<float>((whole - half + 127) << 23);
}

/// Splits x = 2^e m, from 2^-126 on, with m from sqrt(1/2) on.
float split(float x, float& e) {
  const Word above = bits_of<Word>(x) - 0x3F3504F3;
  e = float(std::int32_t(above) >> 23);
  return bits_of<float>((above & 0x007FFFFF) + 0x3F3504F3);
}

float log(float x) {
  float e, f = split(x, e) - 1, s = f / (2 + f), z = s * s, half_square = 0.5f * f * f;
  const float series = z * (2.0f / 3 + z * (2.0f / 5 + z * (2.0f / 7 + z * (2.0f / 9))));
  return e * 0x1.62ep-1f - ((half_square - (s * (half_square + series) + e * 0x1.0bfbe8p-15f)) - f);
}

/// cos(pi x) for x in [0, 1], by the Taylor series of the sine or the cosine.
double cos_of_half_turns(double x) {
  const double first = x > 0.5 ? 1.0 - x : x;
  const bool is_sine = first > 0.25;
  const double angle = 0x1.921fb54442d18p1 * (is_sine ? 0.5 - first : first), z = angle * angle;
  double series = 0;
  for (int n = is_sine ? 19 : 20; n >= 2; n -= 2) series = z / (n * (n - 1)) * (1.0 - series);
  const double value = is_sine ? angle - angle * series : 1.0 - series;
  return x > 0.5 ? -value : value;
}

/// A sum along a row: sixteen sums, then their halves.
template <class Term>
float row_sum(Index count, const Term& term) {
  float sums[16] = {};
  for (Index i = 0; i < count; ++i) sums[i % 16] += term(i);
  for (Index half = 8; half > 0; half /= 2)
    for (Index i = 0; i < half; ++i) sums[i] += sums[i + half];
  return sums[0];
}

// ---- Matrices
struct Matrix {
  Index rows, columns;
  std::vector<float> values;
  Matrix(Index rows = 0, Index columns = 0) : rows(rows), columns(columns), values(rows * columns) {}
  template <class Function>
  Matrix(Index rows, Index columns, Function element) : Matrix(rows, columns) {
    for (Index i = 0; i < rows * columns; ++i) values[i] = element(i / columns, i % columns);
  }
  float* operator[](Index row) { return &values[row * columns]; }
  const float* operator[](Index row) const { return &values[row * columns]; }
  void operator+=(const Matrix& y) {
    for (Index i = 0; i < values.size(); ++i) values[i] += y.values[i];
  }
};

Matrix transposed(const Matrix& x) {
  return {x.columns, x.rows, [&](Index i, Index j) { return x[j][i]; }};
}

float flushed(float x) { return std::fabs(x) < 0x1p-126f ? std::copysign(0.0f, x) : x; }

/// A factor of a product, as the precision has it.
float rounded(float x) {
  if (precision == fp32 || std::isnan(x)) return x;
  const Word bits = bits_of<Word>(flushed(x));
  return bits_of<float>((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000);
}
Matrix rounded(const Matrix& x) {
  return {x.rows, x.columns, [&](Index i, Index j) { return rounded(x[i][j]); }};
}

/// c and one more term. In bf16 what is below 2^-126, rounded to 24 bits with exponents without bound,
/// becomes zero: so look again, 2^64 times as large. No such c comes in, because it starts from +0.
float with_term(float c, float a, float b) {
  const float sum = fma(a, b, c);
  if (precision == fp32 || std::fabs(sum) > 0x1p-126f) return sum;
  const float large = fma(a * 0x1p64f, b, c * 0x1p64f);
  return std::fabs(large) < 0x1p-62f ? std::copysign(0.0f, large) : sum;
}

/// Every element takes its terms in ascending order, from +0. In bf16 of each pair the odd term comes first.
/// If it is masked, row i has the terms up to i, and no -0, whatever zeros others add behind the mask.
Matrix product(const Matrix& left, const Matrix& right, bool is_masked = false) {
  const Matrix a = rounded(left), b = transposed(rounded(right));
  return {a.rows, b.rows, [&](Index i, Index j) {
            const Index terms = is_masked ? i + 1 : a.columns;
            const auto with = [&](float sum, Index k) {  // the odd term of the last pair may not be there
              return k < terms ? with_term(sum, a[i][k], b[j][k]) : with_term(sum, 0, 0);
            };
            float c = 0, even = 0, odd = 0;
            for (Index k = 0; k < terms; k += precision == fp32 ? 1 : 2) {
              if (precision == fp32) c = with(c, k);
              if (precision == bf16) c = with(with(c, k + 1), k);
              if (precision == bf16_tile) even = with(even, k), odd = with(odd, k + 1);
              if (precision == bf16_tile && (k % 32 == 30 || k + 2 >= terms))
                c = flushed(c + flushed(even + odd)), even = odd = 0;
            }
            return is_masked ? c + 0.0f : c;
          }};
}

// ---- Random numbers: blocks of four words, each a function of its number, by Philox4x32-10
using Words = std::array<Word, 4>;
enum Purpose : Word { initial_weights = 1, window_offset, window_order, dropping, rounding = 6 };

Words philox(Words c, Word key0, Word key1) {
  for (int round = 0; round < 10; ++round, key0 += 0x9E3779B9, key1 += 0xBB67AE85) {
    const Long a = Long{0xD2511F53} * c[0], b = Long{0xCD9E8D57} * c[2];
    c = {Word(b >> 32) ^ c[1] ^ key0, Word(b), Word(a >> 32) ^ c[3] ^ key1, Word(a)};
  }
  return c;
}

/// Block i of the numbers for one use in one place.
Words random(Purpose use, Long a, Long b, Long i) {
  const Words at = philox({Word(a), Word(a >> 32), Word(b), Word(b >> 32)}, Word(seed) ^ use, seed >> 32);
  return philox({Word(i), Word(i >> 32), at[2], at[3]}, at[0], at[1]);
}

// ---- Weights, in the order of their names; a vector is a matrix of one row
using Tensors = std::map<string, Matrix>;

Tensors zeros() {
  Tensors all{{"transformer.wte.weight", Matrix(V, C)}, {"transformer.wpe.weight", Matrix(T, C)}};
  const auto add = [&](const string& name, Index rows, Index columns) {
    all[name + ".weight"] = Matrix(rows, columns);
    all[name + ".bias"] = Matrix(1, columns);
  };
  for (Index layer = 0; layer < L; ++layer) {
    const string block = "transformer.h." + std::to_string(layer);
    add(block + ".ln_1", 1, C), add(block + ".attn.c_attn", C, 3 * C), add(block + ".attn.c_proj", C, C);
    add(block + ".ln_2", 1, C), add(block + ".mlp.c_fc", C, 4 * C), add(block + ".mlp.c_proj", 4 * C, C);
  }
  add("transformer.ln_f", 1, C);
  return all;
}

/// One of two normal numbers that two words give (Box, Muller).
float normal(Word for_radius, Word for_angle, bool is_second) {
  float e, m = split((float(for_radius >> 8) + 0.5f) * 0x1p-24f, e), s = (m - 1.0f) / (m + 1.0f), y = s * s;
  const float series = 1.0f + y * (1.0f / 3 + y * (1.0f / 5 + y * (1.0f / 7 + y * (1.0f / 9))));
  const float radius = std::sqrt(-2.0f * (e * 0x1.62e43p-1f + 2.0f * s * series));
  const float x = float(std::int32_t(for_angle << 2)) * (0x1.921fb6p1f * 0x1p-33f), z = x * x;
  const float sine = x * (1.0f - z * (1.0f / 6 - z * (1.0f / 120 - z * (1.0f / 5040 - z / 362880))));
  const float cosine = 1.0f - z * (0.5f - z * (1.0f / 24 - z * (1.0f / 720 - z * (1.0f / 40320))));
  const float side = is_second == bool(for_angle >> 30 & 1) ? cosine : is_second ? sine : -sine;
  return for_angle >> 31 ? -radius * side : radius * side;
}

Tensors first_weights() {
  Tensors weights = zeros();
  Index number = 0;
  for (auto& [name, x] : weights) {
    const float width = float(name.find("proj") != string::npos ? 0.02 / std::sqrt(2.0 * L) : 0.02);
    for (Index i = 0; i < x.values.size(); ++i) {
      const Words words = random(initial_weights, number, 0, i / 64 * 16 + i % 16);
      const float drawn = normal(words[i / 32 % 2 * 2], words[i / 32 % 2 * 2 + 1], i / 16 % 2);
      x.values[i] = x.rows > 1 ? width * drawn : name.find(".bias") != string::npos ? 0.0f : 1.0f;
    }
    ++number;
  }
  return weights;
}

// ---- Layers
/// What a layer makes of x, and how the derivative of x comes from that of y. Those of weights go into d.
struct Layer {
  Matrix y;
  std::function<Matrix(const Matrix&)> back;
};

Layer layer_norm(const Tensors& w, Tensors& d, const string& name, const Matrix& x) {
  const Matrix &gain = w.at(name + ".weight"), &bias = w.at(name + ".bias");
  Matrix n = x, y = x, r(x.rows, 1);  // n = (x - mean) r for each row
  for (Index i = 0; i < x.rows; ++i) {
    const float mean = row_sum(C, [&](Index c) { return x[i][c]; }) * (1.0f / C);
    const auto square = [&](Index c) { return (x[i][c] - mean) * (x[i][c] - mean); };
    r[i][0] = 1.0f / std::sqrt(row_sum(C, square) * (1.0f / C) + 1e-5f);
    for (Index c = 0; c < C; ++c) n[i][c] = (x[i][c] - mean) * r[i][0];
    for (Index c = 0; c < C; ++c) y[i][c] = n[i][c] * gain[0][c] + bias[0][c];
  }
  return {y, [=, &gain, &d](const Matrix& d_y) {
            Matrix d_x = d_y, &d_gain = d[name + ".weight"], &d_bias = d[name + ".bias"];
            for (Index i = 0; i < n.rows; ++i) {
              const auto e = [&](Index c) { return d_y[i][c] * gain[0][c]; };
              const float mean_e = row_sum(C, e) * (1.0f / C);
              const float mean_en = row_sum(C, [&](Index c) { return e(c) * n[i][c]; }) * (1.0f / C);
              for (Index c = 0; c < C; ++c) {
                d_gain[0][c] += d_y[i][c] * n[i][c], d_bias[0][c] += d_y[i][c];
                d_x[i][c] = r[i][0] * (e(c) - mean_e - n[i][c] * mean_en);
              }
            }
            return d_x;
          }};
}

/// The way back sees the input as x_again.
Layer linear(const Tensors& w, Tensors& d, const string& name, const Matrix& x, const Matrix& x_again) {
  Matrix y = product(x, w.at(name + ".weight"));
  for (Index i = 0; i < y.values.size(); ++i) y.values[i] += w.at(name + ".bias").values[i % y.columns];
  return {y, [&w, &d, name, x_again](const Matrix& d_y) {
            Matrix& d_bias = d[name + ".bias"];
            for (Index i = 0; i < d_y.values.size(); ++i) d_bias.values[i % d_y.columns] += d_y.values[i];
            d[name + ".weight"] = product(transposed(x_again), d_y);
            return product(d_y, transposed(w.at(name + ".weight")));
          }};
}

float gate(float x) { return 1.0f / (1.0f + exp(-1.5957691216057308f * (x + 0.044715f * x * x * x))); }
float gate_slope(float x) { return 1.5957691216057308f * (1.0f + 3.0f * 0.044715f * x * x); }

Layer gelu(const Matrix& u) {
  const Matrix y(u.rows, u.columns, [&](Index i, Index j) { return u[i][j] * gate(u[i][j]); });
  return {y, [u](const Matrix& d_y) {
            return Matrix(u.rows, u.columns, [&](Index i, Index j) {
              const float x = u[i][j], s = gate(x);
              return d_y[i][j] * (s + x * s * (1.0f - s) * gate_slope(x));
            });
          }};
}

/// The dropout scales of a micro-batch at one site of one layer.
enum Site { at_embedding, at_attention, at_attention_residual, at_mlp_residual };
struct Mask {
  Index step, position, layer, site;
  float operator()(Index row, Index column) const {
    const Index groups = ((site == at_attention ? T : C) + 63) / 64;
    const Words words = random(dropping, step, Long{position} << 32 | (layer * 4 + site),
                               (row * groups + column / 64) * 16 + column % 16);
    return words[column % 64 / 16] < Word(dropout * 0x1p32) ? 0.0f : float(1.0 / (1.0 - dropout));
  }
};

Layer dropped(const Matrix& x, const Mask& mask) {
  const auto masked = [mask](const Matrix& x) {
    return Matrix(x.rows, C, [&](Index i, Index j) { return x[i][j] * mask(i, j); });
  };
  return {masked(x), masked};
}

/// One head's columns of the first, second or third C columns of x, for one sequence.
Matrix head(const Matrix& x, Index number, Index third = 0) {
  return {T, D, [&](Index t, Index c) { return x[number / H * T + t][third * C + number % H * D + c]; }};
}
void place_head(const Matrix& part, Matrix& x, Index number, Index third = 0) {
  for (Index t = 0; t < T; ++t) std::copy_n(part[t], D, x[number / H * T + t] + third * C + number % H * D);
}

float softmax(float* z, Index count, float scale) {  // returns the logarithm of the sum
  const float largest = *std::max_element(z, z + count);
  for (Index i = 0; i < count; ++i) z[i] = exp((z[i] - largest) * scale);
  const float total = row_sum(count, [&](Index i) { return z[i]; }), reciprocal = 1.0f / total;
  for (Index i = 0; i < count; ++i) z[i] *= reciprocal;
  return largest * scale + log(total);
}

/// qkv [rows, 3 C] to [rows, C]. The way back needs the logarithms of the sums of all heads' queries.
Layer attention(const Matrix& qkv, const Mask& mask) {
  const Index heads = qkv.rows / T * H;
  const float scale = 1.0f / std::sqrt(float(D));
  Matrix all_y(qkv.rows, C), log_sums(heads, T);
  for (Index h = 0; h < heads; ++h) {
    Matrix p = product(head(qkv, h, 0), transposed(head(qkv, h, 1)));
    for (Index t = 0; t < T; ++t) {
      log_sums[h][t] = softmax(p[t], t + 1, scale);
      for (Index u = 0; u <= t; ++u) p[t][u] *= mask(h * T + t, u);
    }
    place_head(product(p, head(qkv, h, 2), true), all_y, h);
  }
  return {all_y, [=](const Matrix& all_d_y) {
            Matrix d_qkv(qkv.rows, 3 * C);
            for (Index h = 0; h < heads; ++h) {
              const Matrix q = head(qkv, h, 0), k = head(qkv, h, 1), v = head(qkv, h, 2);
              const Matrix d_y = head(all_d_y, h), y = rounded(head(all_y, h));
              Matrix p = product(q, transposed(k)), d_s = product(d_y, transposed(v));
              for (Index t = 0; t < T; ++t) {
                const float expected = row_sum(D, [&](Index c) { return d_y[t][c] * y[t][c]; });
                for (Index u = 0; u < T; ++u) {
                  const float m = mask(h * T + t, u), e = exp(p[t][u] * scale - log_sums[h][t]);
                  p[t][u] = u <= t ? e * m : 0.0f;
                  d_s[t][u] = u <= t ? e * (d_s[t][u] * m - expected) * scale : 0.0f;
                }
              }
              place_head(product(d_s, k, true), d_qkv, h, 0);
              place_head(product(transposed(d_s), q), d_qkv, h, 1);
              place_head(product(transposed(p), d_y), d_qkv, h, 2);
            }
            return d_qkv;
          }};
}

// ---- The model
using MicroBatch = std::vector<std::pair<Index, int>>;  // inputs and targets, of which -1 is padding

Tensors gradient_of(const Tensors& w, const MicroBatch& batch, Index step, Index position) {
  const Matrix &wte = w.at("transformer.wte.weight"), &wpe = w.at("transformer.wpe.weight");
  Tensors d = zeros();
  std::vector<Layer> layers;  // in branches of five, each of which adds to x
  const auto through = [&](const Layer& layer) { return layers.push_back(layer), layer.y; };
  const Matrix sum(batch.size(), C, [&](Index i, Index c) { return wte[batch[i].first][c] + wpe[i % T][c]; });
  const Layer embedded = dropped(sum, {step, position, 0, at_embedding});
  Matrix x = embedded.y;
  for (Index l = 0; l < L; ++l) {
    const string block = "transformer.h." + std::to_string(l);
    Matrix y = through(layer_norm(w, d, block + ".ln_1", x));
    y = through(linear(w, d, block + ".attn.c_attn", y, y));
    y = through(attention(y, {step, position, l, at_attention}));
    y = through(linear(w, d, block + ".attn.c_proj", y, y));
    x += through(dropped(y, {step, position, l, at_attention_residual}));
    y = through(layer_norm(w, d, block + ".ln_2", x));
    y = through(linear(w, d, block + ".mlp.c_fc", y, y));
    const Matrix y_again = through(gelu(rounded(y)));
    y = through(linear(w, d, block + ".mlp.c_proj", gelu(y).y, y_again));
    x += through(dropped(y, {step, position, l, at_mlp_residual}));
  }
  const Layer last = layer_norm(w, d, "transformer.ln_f", x);
  Matrix d_z = product(last.y, transposed(wte)), d_x(batch.size(), C);
  for (Index i = 0; i < batch.size(); ++i) {
    softmax(d_z[i], V, 1.0f);
    if (batch[i].second < 0) std::fill_n(d_z[i], V, 0.0f);
    if (batch[i].second >= 0) d_z[i][batch[i].second] -= 1.0f;
  }
  Matrix &d_wte = d["transformer.wte.weight"], &d_wpe = d["transformer.wpe.weight"];
  d_wte = product(transposed(d_z), last.y);
  d_x += last.back(product(d_z, wte));
  while (!layers.empty()) {
    Matrix d_y = d_x;
    for (int i = 0; i < 5; ++i, layers.pop_back()) d_y = layers.back().back(d_y);
    d_x += d_y;
  }
  d_x = embedded.back(d_x);
  for (Index i = 0; i < batch.size(); ++i)
    for (Index c = 0; c < C; ++c) d_wte[batch[i].first][c] += d_x[i][c], d_wpe[i % T][c] += d_x[i][c];
  return d;
}

/// The micro-batches of an epoch, which cuts the text into windows, of which the first may be short, and
/// shuffles them by a Feistel network over a power of four, walked until it leads to a window.
std::vector<MicroBatch> batches_of(const string& text, Index epoch) {
  const Words words = random(window_offset, epoch, 0, 0);
  const Index targets = text.size() - 1;
  const Index first = std::min<Index>((Long{words[0]} << 32 | words[1]) % T, targets);
  const Index is_one_short = first > 0 ? 1 : 0, windows = is_one_short + (targets - first + T - 1) / T;
  int half = 0;
  while (Long{1} << 2 * half < windows) ++half;
  const Long ones = (Long{1} << half) - 1;
  std::vector<MicroBatch> batches((windows + sequences - 1) / sequences);
  for (Index place = 0; place < windows; ++place) {
    Long window = place;
    do {
      Long left = window >> half, right = window & ones;
      for (Long i = 0; i < 8; ++i)
        left = std::exchange(right, left ^ (random(window_order, epoch, 0, i << 32 | right)[0] & ones));
      window = left << half | right;
    } while (window >= windows);
    const Index begin = window < is_one_short ? 0 : first + (window - is_one_short) * T;
    const Index end = window < is_one_short ? first : std::min(begin + T, targets);
    const auto byte = [&](Index i) { return static_cast<unsigned char>(text[i]); };
    for (Index i = begin; i < begin + T; ++i)
      batches[place / sequences].emplace_back(i < end ? byte(i) : 0, i < end ? byte(i + 1) : -1);
  }
  return batches;
}

// ---- Training
/// Calls of(i, element i) for all; a tensor begins at a multiple of 16.
template <class Numbers, class Of>
void each(Numbers& tensors, const Of& of) {
  Index i = 0;
  for (auto& [name, x] : tensors) {
    for (auto& value : x.values) of(i++, value);
    i = (i + 15) / 16 * 16;
  }
}

/// Adds gradients, over those positions. Exchanged in bf16 they go up or down by sixteen random bits.
void add(Tensors& sum, const Tensors& right, Index step, Long first, Long last) {
  for (auto& [name, x] : sum) x += right.at(name);
  if (exchange == bf16)
    each(sum, [&](Index i, float& value) {
      const Word words = random(rounding, step, first << 32 | last, i / 128 * 16 + i % 16)[i / 16 % 4];
      const Word bits = bits_of<Word>(value), half = words >> i % 128 / 64 * 16 & 0xFFFF;
      value = bits_of<float>((std::isnan(value) ? bits | 0x400000 : bits + half) & 0xFFFF0000);
    });
}
void add(double& sum, double right, Index, Long, Long) { sum += right; }

/// The sum of of(first), ..., of(last - 1): the left part has the largest power of two below their number.
template <class Of>
auto along_tree(Index step, Index first, Index last, const Of& of) -> decltype(of(first)) {
  if (last - first == 1) return of(first);
  Index middle = first + 1;
  while (2 * (middle - first) < last - first) middle += middle - first;
  auto sum = along_tree(step, first, middle, of);
  return add(sum, along_tree(step, middle, last, of), step, first, last), sum;
}

double norm_of(const Tensors& gradient) {
  std::vector<std::array<double, 32>> blocks;  // of 65,536 elements
  each(gradient, [&](Index i, float value) {
    if (i / 65'536 == blocks.size()) blocks.emplace_back();
    blocks.back()[i % 32] += double(value) * value;
  });
  const auto of_block = [&](Index b) { return along_tree(0, 0, 32, [&](Index i) { return blocks[b][i]; }); };
  return std::sqrt(along_tree(0, 0, blocks.size(), of_block));
}

double rate_at(Index step) {
  if (step < warmup) return learning_rate * double(step + 1) / (warmup + 1.0);
  const double progress = double(step - warmup) / (total_steps - 1.0 - warmup);
  return min_learning_rate + 0.5 * (1.0 + cos_of_half_turns(progress)) * (learning_rate - min_learning_rate);
}

Tensors train(const string& text) {
  Tensors weights = first_weights(), moments1 = zeros(), moments2 = zeros();
  double power1 = 1, power2 = 1;
  std::vector<MicroBatch> batches;  // of this epoch
  for (Index step = 0, epoch = 0, done = 0; step < total_steps; ++step) {
    if (done == batches.size()) batches = batches_of(text, epoch++), done = 0;
    const Index count = std::min(micro_batches, batches.size() - done);
    double tokens = 0;
    const Tensors gradient = along_tree(step, 0, count, [&](Index position) {
      for (const auto& [input, target] : batches[done + position]) tokens += target < 0 ? 0 : 1;
      return gradient_of(weights, batches[done + position], step, position);
    });
    done += count;
    const double rate = rate_at(step), norm = norm_of(gradient) / tokens;
    const float scale = float(std::min(1.0, clip / (norm + 1e-6)) / tokens);
    const float size = float(rate / (1.0 - (power1 *= beta1)));
    const float root = float(1.0 / std::sqrt(1.0 - (power2 *= beta2)));
    for (auto& [name, x] : weights) {
      const float keep = x.rows > 1 ? float(1.0 - rate * weight_decay) : 1.0f;
      for (Index i = 0; i < x.values.size(); ++i) {
        float &m = moments1[name].values[i], &v = moments2[name].values[i];
        const float g = gradient.at(name).values[i] * scale;
        m = float(beta1) * m + float(1.0 - beta1) * g;
        v = float(beta2) * v + float(1.0 - beta2) * (g * g);
        x.values[i] = keep * x.values[i] - size * (m / (std::sqrt(v) * root + float(epsilon)));
      }
    }
    std::printf("step %zu of %zu: gradient norm %.17g\n", step + 1, total_steps, norm);
  }
  return weights;
}

// ---- Files
void write(const string& path, const string& content) {
  std::ofstream file(path, std::ios::binary);
  if (!(file << content << std::flush)) throw std::runtime_error("cannot write " + path);
}

/// Numbers have their low byte first, as on all processors that matter.
string safetensors(const Tensors& weights) {
  string header = R"({"__metadata__":{"format":"pt"})", numbers;
  for (const auto& [name, x] : weights) {
    const string shape = (x.rows > 1 ? std::to_string(x.rows) + "," : "") + std::to_string(x.columns);
    header += ",\"" + name + R"(":{"dtype":"F32","shape":[)" + shape + R"(],"data_offsets":[)";
    header += std::to_string(numbers.size()) + ",";
    numbers.append(reinterpret_cast<const char*>(x[0]), 4 * x.values.size());
    header += std::to_string(numbers.size()) + "]}";
  }
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const Long size = header.size();
  return string(reinterpret_cast<const char*>(&size), 8) + header + numbers;
}

}  // namespace

int main(int count, char** arguments) try {
  volatile float up = 1 + 0x1p-12f, square = 1 + 0x1p-11f, one = 1, small = 0x1p-30f, least = 0x1p-126f;
  const float a = up, b = square, c = one, d = small, e = least;
  if ((c + d) - c != 0 || e / 2 == 0 || e / 2 * 2 != e)
    throw std::runtime_error("sums are rearranged or small numbers zeros: compile without -ffast-math");
  if (a * a - b != 0) throw std::runtime_error("products are not rounded: compile with -ffp-contract=off");
  const string names[] = {"fp32", "bf16", "bf16-tile"}, wanted = count > 3 ? arguments[3] : "fp32";
  const auto found = std::find(names, names + 3, wanted);
  const auto exchanged = std::find(names, names + 2, string(count > 4 ? arguments[4] : "fp32"));
  if (count < 3 || count > 5 || found == names + 3 || exchanged == names + 2)
    throw std::runtime_error("give TEXT OUT [fp32|bf16|bf16-tile [fp32|bf16]]");
  precision = Precision(found - names), exchange = Precision(exchanged - names);
  std::ifstream file(arguments[1], std::ios::binary);
  string text(std::filesystem::file_size(arguments[1]), ' ');
  if (!file.read(&text[0], std::streamsize(text.size()))) throw std::runtime_error("cannot read the text");
  text.resize(Index((1.0 - validation) * double(text.size())));
  if (text.size() <= T) throw std::runtime_error("the text has less than a window, " + std::to_string(T));
  const string config = R"({"model_type": "gpt2", "n_embd": )" + std::to_string(C) + R"(, "n_head": )" +
                        std::to_string(H) + R"(, "n_layer": )" + std::to_string(L) + R"(, "n_positions": )" +
                        std::to_string(T) + R"(, "vocab_size": )" + std::to_string(V) + "}\n";
  std::filesystem::create_directories(arguments[2]);
  write(arguments[2] + string("/config.json"), config);
  write(arguments[2] + string("/model.safetensors"), safetensors(train(text)));
} catch (const std::exception& error) {
  std::fprintf(stderr, "reference: %s\n", error.what());
  return 2;
}
