// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// What happens to each element by itself. The compiler makes vectors of these loops.

#include "model/kernels/kernel_table.hpp"
#include "model/kernels/levels/bf16_terms.hpp"

namespace nodezero::model::NODEZERO_LEVEL {

static void add_row(Index count, const float* a, const float* b, float* sum) {
  for (Index i = 0; i < count; ++i) {
    sum[i] = a[i] + b[i];
  }
}

/// y += +0; returns whether all of it is finite, for which x - x is 0.
static bool end_at_mask(Index count, float* y) {
  std::uint32_t not_finite = 0;
  for (Index i = 0; i < count; ++i) {
    y[i] += 0.0f;
    not_finite |= static_cast<std::uint32_t>((y[i] - y[i]) != 0.0f);
  }
  return not_finite == 0;
}

/// Adds one row to two sums.
static void add_to_both(Index count, const float* x, float* first, float* second) {
  for (Index i = 0; i < count; ++i) {
    first[i] += x[i];
    second[i] += x[i];
  }
}

/// Sixteen blocks of four random words, of which i is philox({first + i, prefix}, key): words[16 w
/// + i] is word w of block first + i. No carry is needed, because the low four bits of `first` are
/// zero.
static void random_words(const std::uint32_t* key, const std::uint32_t* prefix, std::uint64_t first,
                         std::uint32_t* words) {
  std::uint32_t c0[16], c1[16], c2[16], c3[16];
  for (Index i = 0; i < 16; ++i) {
    c0[i] = static_cast<std::uint32_t>(first) + static_cast<std::uint32_t>(i);
    c1[i] = static_cast<std::uint32_t>(first >> 32);
    c2[i] = prefix[0];
    c3[i] = prefix[1];
  }
  std::uint32_t key_0 = key[0], key_1 = key[1];
  for (int round = 0; round < 10; ++round) {
    for (Index i = 0; i < 16; ++i) {
      const std::uint64_t a = std::uint64_t{0xD2511F53u} * c0[i];
      const std::uint64_t b = std::uint64_t{0xCD9E8D57u} * c2[i];
      c0[i] = static_cast<std::uint32_t>(b >> 32) ^ c1[i] ^ key_0;
      c1[i] = static_cast<std::uint32_t>(b);
      c2[i] = static_cast<std::uint32_t>(a >> 32) ^ c3[i] ^ key_1;
      c3[i] = static_cast<std::uint32_t>(a);
    }
    key_0 += 0x9E3779B9u;
    key_1 += 0xBB67AE85u;
  }
  __builtin_memcpy(words, c0, sizeof c0);
  __builtin_memcpy(words + 16, c1, sizeof c1);
  __builtin_memcpy(words + 32, c2, sizeof c2);
  __builtin_memcpy(words + 48, c3, sizeof c3);
}

/// The bf16 above or below, as a float: sixteen random bits are added to those that are dropped.
NODEZERO_INLINE float rounded_at_random(float value, std::uint32_t random) {
  const auto bits = bits_of<std::uint32_t>(value);
  const std::uint32_t quiet = bits | 0x00400000u;
  const std::uint32_t sum = bits + random;
  return bits_of<float>(((bits & 0x7FFFFFFFu) > 0x7F800000u ? quiet : sum) & 0xFFFF0000u);
}

/// sum = sum + addend, rounded at random. Of 128 elements, which take sixteen blocks of random
/// words, i < 64 has the lower half of word i of random_words(), and i + 64 its upper half.
static void add_rounded(const std::uint32_t* key, const std::uint32_t* prefix, std::uint64_t first,
                        Index count, const float* addend, float* sum) {
  for (; count > 0; count -= 128, first += 16, addend += 128, sum += 128) {
    std::uint32_t words[64];
    random_words(key, prefix, first, words);
    const Index low = least(count, 64), high = least(count - low, 64);
    for (Index i = 0; i < low; ++i) {
      sum[i] = rounded_at_random(sum[i] + addend[i], words[i] & 0xFFFFu);
    }
    for (Index i = 0; i < high; ++i) {
      sum[64 + i] = rounded_at_random(sum[64 + i] + addend[64 + i], words[i] >> 16);
    }
  }
}

static void dropout_scales(const Dropout& dropout, std::uint64_t first, float* scales) {
  std::uint32_t word[64];
  random_words(dropout.key, dropout.prefix, first, word);
  for (Index i = 0; i < 64; ++i) {
    scales[i] = word[i] < dropout.threshold ? 0.0f : dropout.keep;
  }
}

static void apply_dropout(const Dropout& dropout, std::uint64_t first, Index count, float* values) {
  for (Index i = 0; i < count; i += 64, first += 16) {
    float scales[64];
    dropout_scales(dropout, first, scales);
    const Index here = least(count - i, 64);
    for (Index j = 0; j < here; ++j) {
      values[i + j] *= scales[j];
    }
  }
}

static void round_row(Index count, const float* x, std::uint16_t* y) {
  Index i = 0;
#ifdef __AVX512BF16__
  for (; i + 16 <= count; i += 16) {
    const auto halves = _mm512_cvtneps_pbh(_mm512_loadu_ps(x + i));
    __builtin_memcpy(y + i, &halves, sizeof halves);
  }
#endif
  for (; i + 8 <= count; i += 8) {
    Octet values;
    __builtin_memcpy(&values, x + i, sizeof values);
    const auto halves =
        __builtin_convertvector(bits_of<OctetWords>(rounded_to_bf16(values)) >> 16, OctetHalves);
    __builtin_memcpy(y + i, &halves, sizeof halves);
  }
  for (; i < count; ++i) {
    y[i] = static_cast<std::uint16_t>(bits_of<OctetWords>(rounded_to_bf16(Octet{x[i]}))[0] >> 16);
  }
}

static void widen_row(Index count, const std::uint16_t* x, float* y) {
  for (Index i = 0; i < count; ++i) {
    y[i] = bits_of<float>(static_cast<std::uint32_t>(x[i]) << 16);
  }
}

static void adamw_update(const AdamwStep& c, Index count, const float* gradient,
                         const float* weights, float* next, float* first_moment,
                         float* second_moment) {
#pragma GCC ivdep
  for (Index i = 0; i < count; ++i) {
    const float g = gradient[i] * c.gradient_scale;
    const float m = c.beta1 * first_moment[i] + c.one_minus_beta1 * g;
    const float v = c.beta2 * second_moment[i] + c.one_minus_beta2 * (g * g);
    const float denominator = __builtin_sqrtf(v) * c.inverse_root_correction2 + c.epsilon;
    first_moment[i] = m;
    second_moment[i] = v;
    next[i] = c.keep * weights[i] - c.step_size * (m / denominator);
  }
}

/// 32 running sums, combined along a tree.
static double squared_norm(Index count, const float* values) {
  double sums[32] = {};
  Index i = 0;
  for (; i + 32 <= count; i += 32) {
    for (Index j = 0; j < 32; ++j) {
      const double value = values[i + j];
      sums[j] += value * value;
    }
  }
  for (; i < count; ++i) {
    const double value = values[i];
    sums[i % 32] += value * value;
  }
  for (Index width = 1; width < 32; width *= 2) {
    for (Index j = 0; j < 32; j += 2 * width) {
      sums[j] += sums[j + width];
    }
  }
  return sums[0];
}

}  // namespace nodezero::model::NODEZERO_LEVEL
