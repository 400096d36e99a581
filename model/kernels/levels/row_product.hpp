// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The product of one row, as a step of generation needs it: reads the matrix once, in the order in
// which it lies in memory, which is what limits the speed. Every sum takes its terms in the order
// of product.hpp.

#include "model/kernels/levels/product.hpp"

namespace nodezero::model::NODEZERO_LEVEL {

/// How far ahead memory is asked for, in bytes, which the processor does not do enough of by
/// itself. Rows follow one another, so what lies behind the end of one is wanted next. It is half
/// of a first-level cache and more than four rows of a small model, which are read at a time.
inline constexpr Index ahead = 24 * 1024;
inline constexpr Index streams = 4;

template <class Value>
NODEZERO_INLINE void prefetch(const Value* p) {
  __builtin_prefetch(reinterpret_cast<const char*>(p) + ahead);
}

template <class Multiply>
NODEZERO_INLINE Octet multiply_octet(float x, Octet w, Octet sum) {
  const Octet left = x - Octet{};
  return Multiply()(left, w, sum);
}

/// y[n] takes the terms x[k] w[k, n] of `count` rows, of which the first is the row of an even k.
/// With `is_first` it starts from +0.
template <class Terms, class Multiply, Index count, class Value>
NODEZERO_INLINE void add_rows(const float* x, const Factor<Value>& w, Index n, bool is_first,
                              float* y) {
  const Index slots = Terms::slots(count);
  const auto terms_of = [&](Octet sum, auto value_of) {
    for (Index slot = 0; slot < slots; ++slot) {
      const Index k = Terms::slot(slot);
      sum = k < count ? multiply_octet<Multiply>(x[k], value_of(k), sum)
                      : multiply_octet<Multiply>(0.0f, Octet{}, sum);
    }
    return sum;
  };
  Index j = 0;
  for (; j + 8 <= n; j += 8) {
    if (j * Index{sizeof(Value)} % 64 == 0) {
      for (Index k = 0; k < count; ++k) {
        prefetch(w.at(j, k));
      }
    }
    const Octet sum = is_first ? Octet{} : Fp32Terms::octet(y + j);
    store_octet(terms_of(sum, [&](Index k) { return Terms::octet(w.at(j, k)); }), y + j);
  }
  for (; j < n; ++j) {
    const Octet sum = is_first ? Octet{} : Octet{y[j]};
    y[j] = terms_of(sum, [&](Index k) { return Octet{Terms::one(w.at(j, k))}; })[0];
  }
}

/// w as stored: its rows, times the values of x, are added up, four at a time.
template <class Terms, class Multiply, class Value>
NODEZERO_INLINE void multiply_rows(const float* x, const Factor<Value>& w, Index n, Index k,
                                   float* y) {
  Index row = 0;
  for (; row + streams <= k; row += streams) {
    add_rows<Terms, Multiply, streams>(x + row, w.from(0, row), n, row == 0, y);
  }
  for (; row + 2 <= k; row += 2) {
    add_rows<Terms, Multiply, 2>(x + row, w.from(0, row), n, row == 0, y);
  }
  if (row < k) {
    add_rows<Terms, Multiply, 1>(x + row, w.from(0, row), n, row == 0, y);
  }
}

/// Sums that stay in the first-level cache beside the matrix that passes through it.
inline constexpr Index near_sums = 4096;

/// y += x w for one row of w.
template <class Multiply>
NODEZERO_INLINE void add_row_times(float x, const float* w, Index n, float* y) {
  const Register left = broadcast(x);
  Index j = 0;
#pragma GCC unroll 8
  for (; j + register_floats <= n; j += register_floats) {
    store(Multiply()(left, load(w + j), load(y + j)), y + j);
  }
  if (j < n) {
    const Index rest = n - j;
    store_first(Multiply()(left, load_first(w + j, rest, 0.0f), load_first(y + j, rest, 0.0f)),
                y + j, rest);
  }
}

/// w as stored, in fp32: one row after the other, so that memory is read from its beginning to its
/// end. A processor foresees that by itself: a Zen 4 is twice as fast with it as with several rows
/// at a time, of which it is told ahead.
template <class Multiply>
NODEZERO_INLINE void multiply_rows_in_turn(const float* x, const FloatFactor& w, Index n, Index k,
                                           float* y) {
  for (Index first = 0; first < n; first += near_sums) {
    const Index columns = least(n - first, near_sums);
    for (Index j = 0; j < columns; ++j) {
      y[first + j] = 0;
    }
    for (Index row = 0; row < k; ++row) {
      add_row_times<Multiply>(x[row], w.at(first, row), columns, y + first);
    }
  }
}

/// A matrix with so few rows or columns is small, as one head's keys and values are: it is near,
/// and its sums are worth keeping in registers, so many at a time.
inline constexpr Index narrow = 128, narrow_registers = 8;

/// y [n] = x w, with `registers` whole registers of sums and `rest` columns of one more.
template <class Multiply, Index registers>
NODEZERO_INLINE void multiply_narrow(const float* x, const FloatFactor& w, Index k, Index rest,
                                     float* y) {
  Register sums[registers + 1] = {};
  for (Index row = 0; row < k; ++row) {
    const Register left = broadcast(x[row]);
    const float* const from = w.at(0, row);
#pragma GCC unroll 8
    for (Index v = 0; v < registers; ++v) {
      sums[v] = Multiply()(left, load(from + v * register_floats), sums[v]);
    }
    if (rest > 0) {
      Register& last = sums[registers];
      last = Multiply()(left, load_first(from + registers * register_floats, rest, 0.0f), last);
    }
  }
#pragma GCC unroll 8
  for (Index v = 0; v < registers; ++v) {
    store(sums[v], y + v * register_floats);
  }
  if (rest > 0) {
    store_first(sums[registers], y + registers * register_floats, rest);
  }
}

/// w as stored, if it is small.
template <class Multiply>
NODEZERO_INLINE void multiply_small(const float* x, const FloatFactor& w, Index n, Index k,
                                    float* y) {
  for (Index j = 0; j < n; j += narrow_registers * register_floats) {
    const Index columns = least(n - j, narrow_registers * register_floats);
    const Index rest = columns % register_floats;
    if (columns < register_floats) {
      multiply_narrow<Multiply, 0>(x, w.from(j, 0), k, rest, y + j);
      continue;
    }
    with_constant<narrow_registers>(columns / register_floats, [&](auto registers) {
      multiply_narrow<Multiply, registers.value>(x, w.from(j, 0), k, rest, y + j);
    });
  }
}

/// w stored as its transpose: eight stored rows at a time give eight values of y.
template <class Terms, class Multiply, class Value>
NODEZERO_INLINE void multiply_columns(const float* x, const Factor<Value>& w, Index n, Index k,
                                      float* y) {
  for (Index j = 0; j < n; j += 8) {
    const Index lines = least(n - j, 8);
    const Value* line[8];
    begin_lines(w.from(j, 0), lines, line);
    Octet sum{};
    Index term = 0;
    for (; term + 8 <= k; term += 8) {
      if (term * Index{sizeof(Value)} % 64 == 0) {
        for (Index i = 0; i < 8; ++i) {
          prefetch(line[i] + term);
        }
      }
      Octet square[8];
      load_square<Terms>(line, term, square);
      transpose(square);
      for (Index slot = 0; slot < 8; ++slot) {
        const Index at = Terms::slot(slot);
        sum = multiply_octet<Multiply>(x[term + at], square[at], sum);
      }
    }
    const Index rest = k - term;
    for (Index slot = 0; slot < Terms::slots(rest); ++slot) {
      const Index at = Terms::slot(slot);
      Octet values{};
      for (Index i = 0; at < rest && i < 8; ++i) {
        values[i] = Terms::one(line[i] + term + at);
      }
      sum = multiply_octet<Multiply>(at < rest ? x[term + at] : 0.0f, values, sum);
    }
    for (Index i = 0; i < lines; ++i) {
      y[j + i] = sum[i];
    }
  }
}

template <class Terms, class Multiply, class Value>
[[gnu::noinline]] void multiply_one_row(const float* x, const Factor<Value>& w, Index n, Index k,
                                        float* y) {
  if (w.line_step != 1) {
    multiply_columns<Terms, Multiply>(x, w, n, k, y);
  } else if constexpr (__is_same(Terms, Fp32Terms)) {
    if (n <= narrow || k <= narrow) {
      multiply_small<Multiply>(x, w, n, k, y);
    } else {
      multiply_rows_in_turn<Multiply>(x, w, n, k, y);
    }
  } else {
    multiply_rows<Terms, Multiply>(x, w, n, k, y);
  }
}

}  // namespace nodezero::model::NODEZERO_LEVEL
