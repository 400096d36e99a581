// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/row_product.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "model/kernels/multiversion.hpp"

namespace nodezero::model {
namespace {

/// Rows of the matrix that are read side by side: enough streams to keep memory busy, few enough
/// for the processor's prefetchers.
constexpr Index streams = 4;
/// Values of a vector, and of a row that one pass of a loop takes.
constexpr Index lanes = 16, pass = 32;
/// How far ahead memory is asked for, in bytes, which the processor does not do enough of by
/// itself. Rows follow one another, so what lies behind the end of one is wanted next. It is half
/// of a first-level cache and more than four rows of a small model, which are read at a time.
constexpr Index ahead = 24 * 1024;
constexpr Index cache_line = 64;

using Register [[gnu::vector_size(64)]] = float;
using Integers [[gnu::vector_size(64)]] = std::uint32_t;
using Halves [[gnu::vector_size(32)]] = std::uint16_t;

// What the functions at the end of this file consist of, each of them for several processors.
#define NODEZERO_BODY [[gnu::always_inline]] inline

NODEZERO_BODY void load(const float* from, Register& to) {
  std::memcpy(&to, from, sizeof to);
}

NODEZERO_BODY void load(const Bf16* from, Register& to) {
  Halves halves;
  std::memcpy(&halves, from, sizeof halves);
  const Integers bits = __builtin_convertvector(halves, Integers) << 16;
  std::memcpy(&to, &bits, sizeof to);
}

/// The first `count` of a vector's values; the others become 0.
template <class Value>
NODEZERO_BODY void load(const Value* from, Index count, Register& to) {
  Value values[lanes] = {};
  std::memcpy(values, from, static_cast<std::size_t>(count) * sizeof(Value));
  load(values, to);
}

template <class Weight>
NODEZERO_BODY void prefetch_pass(const Weight* w) {
  const char* const begin = reinterpret_cast<const char*>(w) + ahead;
  for (Index at = 0; at < pass * Index{sizeof(Weight)}; at += cache_line) {
    __builtin_prefetch(begin + at);
  }
}

/// y[row] = x[k] w[row, k] for `count` rows.
template <Index count, class Weight>
NODEZERO_BODY void dot_rows(Index k, const float* x, const Weight* w, Index stride, float* y) {
  Register sums[count] = {};
  Register values, weights;
  Index i = 0;
  for (; i + pass <= k; i += pass) {
    for (Index row = 0; row < count; ++row) {
      prefetch_pass(w + row * stride + i);
      for (Index at = i; at < i + pass; at += lanes) {
        load(x + at, values);
        load(w + row * stride + at, weights);
        sums[row] += values * weights;
      }
    }
  }
  for (; i < k; i += lanes) {
    const Index rest = std::min(lanes, k - i);
    load(x + i, rest, values);
    for (Index row = 0; row < count; ++row) {
      load(w + row * stride + i, rest, weights);
      sums[row] += values * weights;
    }
  }
  for (Index row = 0; row < count; ++row) {
    for (Index width = lanes / 2; width > 0; width /= 2) {
      for (Index lane = 0; lane < width; ++lane) {
        sums[row][lane] += sums[row][lane + width];
      }
    }
    y[row] = sums[row][0];
  }
}

/// y[n] += x[row] w[row, n] for `count` rows.
template <Index count, class Weight>
NODEZERO_BODY void add_rows(Index n, const float* x, const Weight* w, Index stride, float* y) {
  Register sum, weights;
  Index j = 0;
  for (; j + pass <= n; j += pass) {
    for (Index row = 0; row < count; ++row) {
      prefetch_pass(w + row * stride + j);
    }
    for (Index at = j; at < j + pass; at += lanes) {
      load(y + at, sum);
      for (Index row = 0; row < count; ++row) {
        load(w + row * stride + at, weights);
        sum += x[row] * weights;
      }
      std::memcpy(y + at, &sum, sizeof sum);
    }
  }
  for (; j < n; j += lanes) {
    const Index rest = std::min(lanes, n - j);
    load(y + j, rest, sum);
    for (Index row = 0; row < count; ++row) {
      load(w + row * stride + j, rest, weights);
      sum += x[row] * weights;
    }
    std::memcpy(y + j, &sum, static_cast<std::size_t>(rest) * sizeof(float));
  }
}

/// b as stored: its rows, times the values of x, are added up.
template <class Map>
NODEZERO_BODY void multiply_as_stored(ConstVector x, const Map& b, Vector y) {
  assert(x.size() == b.rows() && y.size() == b.cols());
  const auto* w = b.data();
  const Index n = b.cols(), k = b.rows(), stride = b.outerStride();
  std::fill_n(y.data(), n, 0.0F);
  Index row = 0;
  for (; row + streams <= k; row += streams) {
    add_rows<streams>(n, x.data() + row, w + row * stride, stride, y.data());
  }
  for (; row < k; ++row) {
    add_rows<1>(n, x.data() + row, w + row * stride, stride, y.data());
  }
}

/// b stored as its transpose: each stored row gives one value of y.
template <class Map>
NODEZERO_BODY void multiply_transposed(ConstVector x, const Map& b, Vector y) {
  assert(x.size() == b.rows() && y.size() == b.cols());
  const auto* w = b.data();
  const Index n = b.cols(), k = b.rows(), stride = b.outerStride();
  Index row = 0;
  for (; row + streams <= n; row += streams) {
    dot_rows<streams>(k, x.data(), w + row * stride, stride, y.data() + row);
  }
  for (; row < n; ++row) {
    dot_rows<1>(k, x.data(), w + row * stride, stride, y.data() + row);
  }
}

}  // namespace

NODEZERO_MULTIVERSION void multiply_row(ConstVector x, ConstMatrix b, Vector y) {
  multiply_as_stored(x, b, y);
}

NODEZERO_MULTIVERSION void multiply_row(ConstVector x, Transposed b, Vector y) {
  multiply_transposed(x, b, y);
}

NODEZERO_MULTIVERSION void multiply_row(ConstVector x, ConstBf16Matrix b, Vector y) {
  multiply_as_stored(x, b, y);
}

NODEZERO_MULTIVERSION void multiply_row(ConstVector x, TransposedBf16 b, Vector y) {
  multiply_transposed(x, b, y);
}

}  // namespace nodezero::model
