// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/row_product.hpp"

#include <algorithm>
#include <cstring>

#include "model/kernels/multiversion.hpp"

namespace nodezero::model {
namespace {

/// Rows of the matrix that are read side by side: enough streams to keep memory busy, few enough
/// for the processor's prefetchers.
constexpr std::int64_t streams = 4;
/// Values of a vector, and of a row that one pass of a loop takes.
constexpr std::int64_t lanes = 16, pass = 32;
/// How far ahead memory is asked for, in bytes, which the processor does not do enough of by
/// itself. Rows follow one another, so what lies behind the end of one is wanted next. It is half
/// of a first-level cache and more than four rows of a small model, which are read at a time.
constexpr std::int64_t ahead = 24 * 1024;
constexpr std::int64_t cache_line = 64;

using Vector [[gnu::vector_size(64)]] = float;
using Integers [[gnu::vector_size(64)]] = std::uint32_t;
using Halves [[gnu::vector_size(32)]] = std::uint16_t;

// What the functions at the end of this file consist of, each of them for several processors.
#define NODEZERO_BODY [[gnu::always_inline]] inline

NODEZERO_BODY void load(const float* from, Vector& to) {
  std::memcpy(&to, from, sizeof to);
}

NODEZERO_BODY void load(const Bf16* from, Vector& to) {
  Halves halves;
  std::memcpy(&halves, from, sizeof halves);
  const Integers bits = __builtin_convertvector(halves, Integers) << 16;
  std::memcpy(&to, &bits, sizeof to);
}

/// The first `count` of a vector's values; the others become 0.
template <class Value>
NODEZERO_BODY void load(const Value* from, std::int64_t count, Vector& to) {
  Value values[lanes] = {};
  std::memcpy(values, from, static_cast<std::size_t>(count) * sizeof(Value));
  load(values, to);
}

template <class Weight>
NODEZERO_BODY void prefetch_pass(const Weight* w) {
  const char* const begin = reinterpret_cast<const char*>(w) + ahead;
  for (std::int64_t at = 0; at < pass * std::int64_t{sizeof(Weight)}; at += cache_line) {
    __builtin_prefetch(begin + at);
  }
}

/// y[row] = x[k] w[row, k] for `count` rows.
template <std::int64_t count, class Weight>
NODEZERO_BODY void dot_rows(std::int64_t k, const float* x, const Weight* w, std::int64_t stride,
                            float* y) {
  Vector sums[count] = {};
  Vector values, weights;
  std::int64_t i = 0;
  for (; i + pass <= k; i += pass) {
    for (std::int64_t row = 0; row < count; ++row) {
      prefetch_pass(w + row * stride + i);
      for (std::int64_t at = i; at < i + pass; at += lanes) {
        load(x + at, values);
        load(w + row * stride + at, weights);
        sums[row] += values * weights;
      }
    }
  }
  for (; i < k; i += lanes) {
    const std::int64_t rest = std::min(lanes, k - i);
    load(x + i, rest, values);
    for (std::int64_t row = 0; row < count; ++row) {
      load(w + row * stride + i, rest, weights);
      sums[row] += values * weights;
    }
  }
  for (std::int64_t row = 0; row < count; ++row) {
    for (std::int64_t width = lanes / 2; width > 0; width /= 2) {
      for (std::int64_t lane = 0; lane < width; ++lane) {
        sums[row][lane] += sums[row][lane + width];
      }
    }
    y[row] = sums[row][0];
  }
}

/// y[n] += x[row] w[row, n] for `count` rows.
template <std::int64_t count, class Weight>
NODEZERO_BODY void add_rows(std::int64_t n, const float* x, const Weight* w, std::int64_t stride,
                            float* y) {
  Vector sum, weights;
  std::int64_t j = 0;
  for (; j + pass <= n; j += pass) {
    for (std::int64_t row = 0; row < count; ++row) {
      prefetch_pass(w + row * stride + j);
    }
    for (std::int64_t at = j; at < j + pass; at += lanes) {
      load(y + at, sum);
      for (std::int64_t row = 0; row < count; ++row) {
        load(w + row * stride + at, weights);
        sum += x[row] * weights;
      }
      std::memcpy(y + at, &sum, sizeof sum);
    }
  }
  for (; j < n; j += lanes) {
    const std::int64_t rest = std::min(lanes, n - j);
    load(y + j, rest, sum);
    for (std::int64_t row = 0; row < count; ++row) {
      load(w + row * stride + j, rest, weights);
      sum += x[row] * weights;
    }
    std::memcpy(y + j, &sum, static_cast<std::size_t>(rest) * sizeof(float));
  }
}

template <class View>
NODEZERO_BODY void multiply_row_body(std::int64_t n, std::int64_t k, const float* x, View b,
                                     float* y) {
  std::int64_t row = 0;
  if (b.transposed) {
    for (; row + streams <= n; row += streams) {
      dot_rows<streams>(k, x, b.data + row * b.stride, b.stride, y + row);
    }
    for (; row < n; ++row) {
      dot_rows<1>(k, x, b.data + row * b.stride, b.stride, y + row);
    }
    return;
  }
  std::fill_n(y, n, 0.0F);
  for (; row + streams <= k; row += streams) {
    add_rows<streams>(n, x + row, b.data + row * b.stride, b.stride, y);
  }
  for (; row < k; ++row) {
    add_rows<1>(n, x + row, b.data + row * b.stride, b.stride, y);
  }
}

}  // namespace

NODEZERO_MULTIVERSION void multiply_row(std::int64_t n, std::int64_t k, const float* x,
                                        MatrixView b, float* y) {
  multiply_row_body(n, k, x, b, y);
}

NODEZERO_MULTIVERSION void multiply_row(std::int64_t n, std::int64_t k, const float* x, Bf16View b,
                                        float* y) {
  multiply_row_body(n, k, x, b, y);
}

}  // namespace nodezero::model
