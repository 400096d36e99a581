// SPDX-License-Identifier: BSD-3-Clause
//
// What Node Zero computes, on one page: no actors, no threads, no vectors, nothing but the standard library.
// It trains a small GPT-2 on the bytes of a text and writes a model folder. docs/arithmetic.md says it in
// words.
//   g++ -std=c++17 -O2 -ffp-contract=off reference/nodezero.cpp -o page
//   ./page TEXT OUT [fp32|bf16|bf16-tile]
// leaves the weights of: nodezero train --preset reference --data TEXT --out OUT [--precision ...]
#include <algorithm>
#include <array>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
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
enum Precision { fp32, bf16, bf16_tile } precision = fp32;

// ---- Functions of numbers
template <class To, class From>
To bits_of(From from) {
  To to;
  static_assert(sizeof to == sizeof from);
  std::memcpy(&to, &from, sizeof to);
  return to;
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
struct RowSum {
  float sums[16] = {};
  void add(Index i, float x) { sums[i % 16] += x; }
  float total() {
    for (Index half = 8; half > 0; half /= 2)
      for (Index i = 0; i < half; ++i) sums[i] += sums[i + half];
    return sums[0];
  }
};

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
};

Matrix transposed(const Matrix& x) {
  return {x.columns, x.rows, [&](Index i, Index j) { return x[j][i]; }};
}
void operator+=(Matrix& x, const Matrix& y) {
  for (Index i = 0; i < y.values.size(); ++i) x.values[i] += y.values[i];
}

float flushed(float x) { return std::fabs(x) < 0x1p-126f ? std::copysign(0.0f, x) : x; }

/// A factor of a product, as the precision has it.
float rounded(float x) {
  if (precision == fp32 || std::isnan(x)) return x;
  const Word bits = bits_of<Word>(flushed(x));
  return bits_of<float>((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000);
}

/// c and one more term. In bf16 what is below 2^-126 becomes zero, and is judged after rounding to 24 bits
/// with an exponent without bound: so look again, 2^64 times as large. Such a c cannot come in, because it
/// starts from +0.
float with_term(float c, float a, float b) {
  const float sum = fma(a, b, c);
  if (precision == fp32 || std::fabs(sum) > 0x1p-126f) return sum;
  const float large = fma(a * 0x1p64f, b, c * 0x1p64f);
  return std::fabs(large) < 0x1p-62f ? std::copysign(0.0f, large) : sum;
}

/// Every element takes its terms in ascending order, from +0. In bf16 of each pair the odd term comes first.
/// If it is masked, row i has the terms up to i, and no -0, whatever zeros others add behind the mask.
Matrix product(Matrix a, Matrix b, bool is_masked = false) {
  Matrix c(a.rows, b.columns), even = c, odd = c;
  for (float& value : a.values) value = rounded(value);
  for (float& value : b.values) value = rounded(value);
  for (Index i = 0; i < a.rows; ++i) {
    const Index terms = is_masked ? i + 1 : b.rows;
    const auto take = [&](Index k, float* sums) {
      const bool is_there = k < terms;  // the odd term of the last pair may not be
      for (Index j = 0; j < b.columns; ++j)
        sums[j] = with_term(sums[j], is_there ? a[i][k] : 0.0f, is_there ? b[k][j] : 0.0f);
    };
    for (Index k = 0; k < terms; k += precision == fp32 ? 1 : 2) {
      if (precision != fp32) take(k + 1, precision == bf16 ? c[i] : odd[i]);
      take(k, precision == bf16_tile ? even[i] : c[i]);
      if (precision != bf16_tile || (k % 32 != 30 && k + 2 < terms)) continue;
      for (Index j = 0; j < b.columns; ++j) {
        c[i][j] = flushed(c[i][j] + flushed(even[i][j] + odd[i][j]));
        even[i][j] = odd[i][j] = 0;
      }
    }
    for (Index j = 0; j < b.columns && is_masked; ++j) c[i][j] += 0.0f;
  }
  return c;
}

// ---- Random numbers: blocks of four words, each a function of its number, by Philox4x32-10
using Words = std::array<Word, 4>;
enum Purpose : Word { initial_weights = 1, window_offset, window_order, dropping };

Words philox(Words c, Word key0, Word key1) {
  for (int round = 0; round < 10; ++round, key0 += 0x9E3779B9, key1 += 0xBB67AE85) {
    const Long a = Long{0xD2511F53} * c[0], b = Long{0xCD9E8D57} * c[2];
    c = {Word(b >> 32) ^ c[1] ^ key0, Word(b), Word(a >> 32) ^ c[3] ^ key1, Word(a)};
  }
  return c;
}

struct Random {
  Words at;
  Random(Purpose use, Long a, Long b = 0)
      : at(philox({Word(a), Word(a >> 32), Word(b), Word(b >> 32)}, Word(seed) ^ use, Word(seed >> 32))) {}
  Words operator()(Long i) const { return philox({Word(i), Word(i >> 32), at[2], at[3]}, at[0], at[1]); }
};

/// The dropout scales of a micro-batch at one site of one layer.
struct Mask {
  enum Site { embedding, attention, attention_residual, mlp_residual } site;
  Random random;
  Mask(Index step, Index position, Index layer, Site site)
      : site(site), random(dropping, step, Long{position} << 32 | (layer * 4 + site)) {}
  float operator()(Index row, Index column) const {
    const Index groups = ((site == attention ? T : C) + 63) / 64;
    const Words words = random((row * groups + column / 64) * 16 + column % 16);
    return words[column % 64 / 16] < Word(dropout * 0x1p32) ? 0.0f : float(1.0 / (1.0 - dropout));
  }
  Matrix times(const Matrix& x) const {
    return {x.rows, x.columns, [&](Index i, Index j) { return x[i][j] * (*this)(i, j); }};
  }
};

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
  const bool is_turned = for_angle >> 30 & 1;
  const float side = is_second == is_turned ? cosine : is_second ? sine : -sine;
  return for_angle >> 31 ? -radius * side : radius * side;
}

Tensors first_weights() {
  Tensors weights = zeros();
  Index number = 0;
  for (auto& [name, x] : weights) {
    const Random random(initial_weights, number++);
    const auto has = [name = name](const char* part) { return name.find(part) != string::npos; };
    const float width = float(has("proj") ? 0.02 / std::sqrt(2.0 * L) : 0.02);
    for (Index i = 0; i < x.values.size(); ++i) {
      const Words words = random(i / 64 * 16 + i % 16);
      const float drawn = width * normal(words[i / 32 % 2 * 2], words[i / 32 % 2 * 2 + 1], i / 16 % 2);
      x.values[i] = x.rows > 1 ? drawn : has(".bias") ? 0.0f : 1.0f;
    }
  }
  return weights;
}

// ---- Layers, and what they leave in the gradient d
/// n = (x - mean) r for each row.
Matrix normalised(const Matrix& x, Matrix& r) {
  Matrix n = x;
  r = Matrix(x.rows, 1);
  for (Index row = 0; row < x.rows; ++row) {
    RowSum sum, squares;
    for (Index c = 0; c < C; ++c) sum.add(c, x[row][c]);
    const float mean = sum.total() * (1.0f / C);
    for (Index c = 0; c < C; ++c) squares.add(c, (x[row][c] - mean) * (x[row][c] - mean));
    r[row][0] = 1.0f / std::sqrt(squares.total() * (1.0f / C) + 1e-5f);
    for (Index c = 0; c < C; ++c) n[row][c] = (x[row][c] - mean) * r[row][0];
  }
  return n;
}

Matrix layer_norm(const Tensors& w, const string& name, const Matrix& x) {
  const Matrix &gain = w.at(name + ".weight"), &bias = w.at(name + ".bias");
  Matrix r, n = normalised(x, r);
  return {x.rows, C, [&](Index i, Index c) { return n[i][c] * gain[0][c] + bias[0][c]; }};
}

/// Adds to d_x.
void layer_norm_backward(const Tensors& w, Tensors& d, const string& name, const Matrix& d_y, const Matrix& x,
                         Matrix& d_x) {
  Matrix r, n = normalised(x, r), d_gain(1, C), d_bias(1, C);
  const Matrix& gain = w.at(name + ".weight");
  const Matrix e(x.rows, C, [&](Index i, Index c) { return d_y[i][c] * gain[0][c]; });
  for (Index i = 0; i < x.rows; ++i) {
    RowSum sum_e, sum_en;
    for (Index c = 0; c < C; ++c) {
      sum_e.add(c, e[i][c]), sum_en.add(c, e[i][c] * n[i][c]);
      d_gain[0][c] += d_y[i][c] * n[i][c], d_bias[0][c] += d_y[i][c];
    }
    const float mean_e = sum_e.total() * (1.0f / C), mean_en = sum_en.total() * (1.0f / C);
    for (Index c = 0; c < C; ++c) d_x[i][c] += r[i][0] * (e[i][c] - mean_e - n[i][c] * mean_en);
  }
  d[name + ".weight"] = d_gain, d[name + ".bias"] = d_bias;
}

Matrix linear(const Tensors& w, const string& name, const Matrix& x) {
  const Matrix y = product(x, w.at(name + ".weight")), &bias = w.at(name + ".bias");
  return {y.rows, y.columns, [&](Index i, Index j) { return y[i][j] + bias[0][j]; }};
}

/// The derivative of x.
Matrix linear_backward(const Tensors& w, Tensors& d, const string& name, const Matrix& d_y, const Matrix& x) {
  Matrix d_bias(1, d_y.columns);
  for (Index i = 0; i < d_y.values.size(); ++i) d_bias[0][i % d_y.columns] += d_y.values[i];
  d[name + ".bias"] = d_bias, d[name + ".weight"] = product(transposed(x), d_y);
  return product(d_y, transposed(w.at(name + ".weight")));
}

float gate(float x) { return 1.0f / (1.0f + exp(-1.5957691216057308f * (x + 0.044715f * x * x * x))); }
Matrix gelu(const Matrix& x) {
  return {x.rows, x.columns, [&](Index i, Index j) { return x[i][j] * gate(x[i][j]); }};
}
Matrix gelu_backward(const Matrix& d, const Matrix& u) {
  return {u.rows, u.columns, [&](Index i, Index j) {
            const float x = u[i][j], s = gate(x), q = 1.5957691216057308f * (1.0f + 3.0f * 0.044715f * x * x);
            return d[i][j] * (s + x * s * (1.0f - s) * q);
          }};
}

/// One head's columns of the first, second or third C columns of x, for one sequence.
Matrix head(const Matrix& x, Index number, Index third = 0) {
  return {T, D, [&](Index t, Index c) { return x[number / H * T + t][third * C + number % H * D + c]; }};
}
void place_head(const Matrix& part, Matrix& x, Index number, Index third = 0) {
  for (Index t = 0; t < T; ++t) std::copy_n(part[t], D, x[number / H * T + t] + third * C + number % H * D);
}

const float score_scale = 1.0f / std::sqrt(float(D));

/// Returns the logarithm of the sum.
float softmax(float* z, Index count, float scale) {
  const float largest = *std::max_element(z, z + count);
  RowSum sum;
  for (Index i = 0; i < count; ++i) sum.add(i, z[i] = exp((z[i] - largest) * scale));
  const float total = sum.total(), reciprocal = 1.0f / total;
  for (Index i = 0; i < count; ++i) z[i] *= reciprocal;
  return largest * scale + log(total);
}

/// qkv [rows, 3 C] to [rows, C]; log_sums of all heads' queries.
Matrix attention(const Matrix& qkv, const Mask& mask, std::vector<float>& log_sums) {
  Matrix attended(qkv.rows, C);
  for (Index number = 0; number < qkv.rows / T * H; ++number) {
    Matrix p = product(head(qkv, number, 0), transposed(head(qkv, number, 1)));
    for (Index t = 0; t < T; ++t) {
      log_sums.push_back(softmax(p[t], t + 1, score_scale));
      for (Index u = 0; u <= t; ++u) p[t][u] *= mask(number * T + t, u);
    }
    place_head(product(p, head(qkv, number, 2), true), attended, number);
  }
  return attended;
}

/// The derivative of qkv from that of y = attention(qkv).
Matrix attention_backward(const Matrix& all_d_y, const Matrix& all_y, const Matrix& qkv, const Mask& mask,
                          const std::vector<float>& log_sums) {
  Matrix d_qkv(qkv.rows, 3 * C);
  for (Index number = 0; number < qkv.rows / T * H; ++number) {
    const Matrix q = head(qkv, number, 0), k = head(qkv, number, 1), v = head(qkv, number, 2);
    const Matrix d_y = head(all_d_y, number), y = head(all_y, number);
    Matrix p = product(q, transposed(k)), d_s = product(d_y, transposed(v));
    for (Index t = 0; t < T; ++t) {
      RowSum sum;
      for (Index c = 0; c < D; ++c) sum.add(c, d_y[t][c] * rounded(y[t][c]));
      const float expected = sum.total();
      for (Index u = 0; u < T; ++u) {
        const float m = mask(number * T + t, u), e = exp(p[t][u] * score_scale - log_sums[number * T + t]);
        p[t][u] = u <= t ? e * m : 0.0f;
        d_s[t][u] = u <= t ? e * (d_s[t][u] * m - expected) * score_scale : 0.0f;
      }
    }
    place_head(product(d_s, k, true), d_qkv, number, 0);
    place_head(product(transposed(d_s), q), d_qkv, number, 1);
    place_head(product(transposed(p), d_y), d_qkv, number, 2);
  }
  return d_qkv;
}

// ---- The model
using MicroBatch = std::vector<std::pair<Index, int>>;  // inputs and targets, of which -1 is padding

/// What the backward pass of a block needs.
struct Block {
  string name;
  Matrix x, qkv, attended, middle, u;
  std::vector<float> log_sums;
};

Tensors gradient_of(const Tensors& w, const MicroBatch& batch, Index step, Index position) {
  const auto mask = [&](Index layer, Mask::Site site) { return Mask(step, position, layer, site); };
  const Matrix &wte = w.at("transformer.wte.weight"), &wpe = w.at("transformer.wpe.weight");
  Matrix x(batch.size(), C, [&](Index i, Index c) { return wte[batch[i].first][c] + wpe[i % T][c]; });
  x = mask(0, Mask::embedding).times(x);
  std::vector<Block> blocks;
  for (Index layer = 0; layer < L; ++layer) {
    Block b{"transformer.h." + std::to_string(layer), x, {}, {}, {}, {}, {}};
    b.qkv = linear(w, b.name + ".attn.c_attn", layer_norm(w, b.name + ".ln_1", x));
    b.attended = attention(b.qkv, mask(layer, Mask::attention), b.log_sums);
    x += mask(layer, Mask::attention_residual).times(linear(w, b.name + ".attn.c_proj", b.attended));
    b.middle = x;
    b.u = linear(w, b.name + ".mlp.c_fc", layer_norm(w, b.name + ".ln_2", x));
    x += mask(layer, Mask::mlp_residual).times(linear(w, b.name + ".mlp.c_proj", gelu(b.u)));
    for (float& value : b.u.values) value = rounded(value);
    blocks.push_back(b);
  }
  const Matrix last = layer_norm(w, "transformer.ln_f", x);
  Matrix d_z = product(last, transposed(wte)), d_x(batch.size(), C), d_wpe(T, C);
  for (Index i = 0; i < batch.size(); ++i) {
    softmax(d_z[i], V, 1.0f);
    if (batch[i].second < 0) std::fill_n(d_z[i], V, 0.0f);
    if (batch[i].second >= 0) d_z[i][batch[i].second] -= 1.0f;
  }
  Matrix d_wte = product(transposed(d_z), last);
  Tensors d;
  layer_norm_backward(w, d, "transformer.ln_f", product(d_z, wte), x, d_x);
  for (Index layer = L; layer-- > 0;) {
    const Block& b = blocks[layer];
    Matrix d_y = mask(layer, Mask::mlp_residual).times(d_x);
    d_y = gelu_backward(linear_backward(w, d, b.name + ".mlp.c_proj", d_y, gelu(b.u)), b.u);
    d_y = linear_backward(w, d, b.name + ".mlp.c_fc", d_y, layer_norm(w, b.name + ".ln_2", b.middle));
    layer_norm_backward(w, d, b.name + ".ln_2", d_y, b.middle, d_x);
    d_y = mask(layer, Mask::attention_residual).times(d_x);
    d_y = linear_backward(w, d, b.name + ".attn.c_proj", d_y, b.attended);
    d_y = attention_backward(d_y, b.attended, b.qkv, mask(layer, Mask::attention), b.log_sums);
    d_y = linear_backward(w, d, b.name + ".attn.c_attn", d_y, layer_norm(w, b.name + ".ln_1", b.x));
    layer_norm_backward(w, d, b.name + ".ln_1", d_y, b.x, d_x);
  }
  d_x = mask(0, Mask::embedding).times(d_x);
  for (Index i = 0; i < batch.size(); ++i)
    for (Index c = 0; c < C; ++c) d_wte[batch[i].first][c] += d_x[i][c], d_wpe[i % T][c] += d_x[i][c];
  d["transformer.wte.weight"] = d_wte, d["transformer.wpe.weight"] = d_wpe;
  return d;
}

// ---- Batches: an epoch cuts the text into windows, of which the first may be short, and shuffles them
struct Epoch {
  const std::vector<unsigned char>& text;
  Index number, targets, first, windows, batches;
  Epoch(const std::vector<unsigned char>& text, Index number) : text(text), number(number) {
    const Words words = Random(window_offset, number)(0);
    targets = text.size() - 1;
    first = std::min<Index>((Long{words[0]} << 32 | words[1]) % T, targets);
    windows = (first > 0 ? 1 : 0) + (targets - first + T - 1) / T;
    batches = (windows + sequences - 1) / sequences;
  }

  /// A Feistel network over a power of four, walked until it leads to a window.
  Index window_at(Long place) const {
    int half = 0;
    while (Long{1} << 2 * half < windows) ++half;
    const Long ones = (Long{1} << half) - 1;
    const Random random(window_order, number);
    do {
      Long left = place >> half, right = place & ones;
      for (Long round = 0; round < 8; ++round) {
        left ^= random(round << 32 | right)[0] & ones;
        std::swap(left, right);
      }
      place = left << half | right;
    } while (place >= windows);
    return place;
  }

  MicroBatch batch(Index index) const {
    MicroBatch batch;
    for (Index place = index * sequences; place < std::min((index + 1) * sequences, windows); ++place) {
      const Index window = window_at(place) + (first > 0 ? 0 : 1);  // 0: the one that may be short
      const Index begin = window == 0 ? 0 : first + (window - 1) * T;
      const Index end = window == 0 ? first : std::min(begin + T, targets);
      for (Index i = begin; i < begin + T; ++i)
        batch.emplace_back(i < end ? text[i] : 0, i < end ? text[i + 1] : -1);
    }
    return batch;
  }
};

// ---- Training
void operator+=(Tensors& sum, const Tensors& right) {
  for (auto& [name, x] : sum) x += right.at(name);
}

/// The sum of of(first), ..., of(first + count - 1): the left part has the largest power of two below count.
template <class Of>
auto along_tree(Index first, Index count, const Of& of) -> decltype(of(first)) {
  if (count == 1) return of(first);
  Index left = 1;
  while (2 * left < count) left *= 2;
  auto sum = along_tree(first, left, of);
  sum += along_tree(first + left, count - left, of);
  return sum;
}

double norm_of(const Tensors& gradient) {
  std::vector<float> all;
  for (const auto& [name, x] : gradient) {  // every tensor from a multiple of 16 on
    all.insert(all.end(), x.values.begin(), x.values.end());
    all.resize((all.size() + 15) / 16 * 16);
  }
  const auto of_block = [&](Index block) {
    double sums[32] = {};
    for (Index i = block * 65'536; i < std::min((block + 1) * 65'536, all.size()); ++i)
      sums[i % 32] += double(all[i]) * all[i];
    return along_tree(0, 32, [&](Index i) { return sums[i]; });
  };
  return std::sqrt(along_tree(0, (all.size() + 65'535) / 65'536, of_block));
}

double rate_at(Index step) {
  if (step < warmup) return learning_rate * double(step + 1) / (warmup + 1.0);
  const double progress = double(step - warmup) / (total_steps - 1.0 - warmup);
  return min_learning_rate + 0.5 * (1.0 + cos_of_half_turns(progress)) * (learning_rate - min_learning_rate);
}

Tensors train(const std::vector<unsigned char>& text) {
  Tensors weights = first_weights(), moments1 = zeros(), moments2 = zeros();
  double power1 = 1, power2 = 1;
  for (Index step = 0, epoch_number = 0, done = 0; step < total_steps; ++step) {
    const Epoch epoch(text, epoch_number);
    const Index count = std::min(micro_batches, epoch.batches - done);
    double tokens = 0;
    const Tensors gradient = along_tree(0, count, [&](Index position) {
      const MicroBatch batch = epoch.batch(done + position);
      for (const auto& [input, target] : batch) tokens += target < 0 ? 0 : 1;
      return gradient_of(weights, batch, step, position);
    });
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
    done += count;
    if (done == epoch.batches) ++epoch_number, done = 0;
  }
  return weights;
}

// ---- Files
void write(const string& path, const string& content) {
  std::ofstream file(path, std::ios::binary);
  if (!(file << content << std::flush)) throw std::runtime_error("cannot write " + path);
}

string config_json() {
  const auto entry = [](const char* name, Index size) {
    return string(", \"") + name + "\": " + std::to_string(size);
  };
  return R"({"model_type": "gpt2")" + entry("n_embd", C) + entry("n_head", H) + entry("n_layer", L) +
         entry("n_positions", T) + entry("vocab_size", V) + "}\n";
}

/// Numbers have their low byte first, as on all processors that matter.
string safetensors(const Tensors& weights) {
  string header = R"({"__metadata__":{"format":"pt"})", numbers;
  for (const auto& [name, x] : weights) {
    const string begin = std::to_string(numbers.size()), columns = std::to_string(x.columns);
    numbers.append(reinterpret_cast<const char*>(x[0]), 4 * x.values.size());
    header += ",\"" + name + R"(":{"dtype":"F32","shape":[)" +
              (x.rows > 1 ? std::to_string(x.rows) + "," : "") + columns + R"(],"data_offsets":[)" + begin +
              "," + std::to_string(numbers.size()) + "]}";
  }
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const Long size = header.size();
  return string(reinterpret_cast<const char*>(&size), 8) + header + numbers;
}

std::vector<unsigned char> training_part(const string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<unsigned char> text{std::istreambuf_iterator<char>(file), {}};
  if (!file) throw std::runtime_error("cannot read " + path);
  text.resize(Index((1.0 - validation) * double(text.size())));
  if (text.size() <= T) throw std::runtime_error(path + " is too short for a window of " + std::to_string(T));
  return text;
}

static_assert(FLT_EVAL_METHOD == 0, "floats are not computed as floats: compile with -msse2 -mfpmath=sse");

/// The option that this was compiled with, or without, by mistake.
const char* wrong_option() {
  volatile float up = 1 + 0x1p-12f, square = 1 + 0x1p-11f, one = 1, small = 0x1p-30f, least = 0x1p-126f;
  const float a = up, b = square, c = one, d = small, e = least;
  if ((c + d) - c != 0 || e / 2 == 0 || e / 2 * 2 != e)
    return "sums are rearranged or small numbers are zeros: compile without -ffast-math";
  if (a * a - b != 0) return "products are contracted: compile with -ffp-contract=off";
  return nullptr;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    if (const char* wrong = wrong_option()) throw std::runtime_error(wrong);
    const string names[] = {"fp32", "bf16", "bf16-tile"}, wanted = count == 4 ? arguments[3] : "fp32";
    const auto found = std::find(names, names + 3, wanted);
    if (count < 3 || count > 4 || found == names + 3)
      throw std::runtime_error("give TEXT OUT [fp32|bf16|bf16-tile]");
    precision = Precision(found - names);
    const auto text = training_part(arguments[1]);
    std::filesystem::create_directories(arguments[2]);
    write(arguments[2] + string("/config.json"), config_json());
    write(arguments[2] + string("/model.safetensors"), safetensors(train(text)));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "reference: %s\n", error.what());
    return 2;
  }
}
