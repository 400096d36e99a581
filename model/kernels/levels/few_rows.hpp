// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The product of few rows, as a step of generation for several requests needs it. To pack the right
// factor would take longer than the product itself, so that it is read where it lies. Every sum
// takes its terms in the order of product.hpp.

#include "model/kernels/levels/product.hpp"

namespace nodezero::model::NODEZERO_LEVEL {

/// More are faster with a packed factor, and so are narrow matrices.
inline constexpr Index most_few_rows = 32, least_wide_columns = 256;
/// Sums of a few rows that the first-level cache holds, and a block of the right factor that the
/// second-level cache does.
inline constexpr Index few_columns = 1536, few_block = 16 * 1024;
inline constexpr Index few_terms = 4, rows_at_a_time = register_floats == 16 ? 4 : 2;

/// Reads `count` floats from their beginning to their end, which is the fastest way to have them
/// near.
NODEZERO_INLINE void bring_near(const float* from, Index count) {
  constexpr Index line = 16;
  for (Index i = 0; i < count; i += line) {
    static_cast<void>(*static_cast<const volatile float*>(from + i));
  }
}

/// c [rows, columns] += so many terms.
template <class Multiply, Index rows, Index terms>
NODEZERO_INLINE void add_terms(const FloatFactor& a, const FloatFactor& b, Index columns, float* c,
                               Index stride) {
  Register left[rows][terms];
  for (Index row = 0; row < rows; ++row) {
    for (Index k = 0; k < terms; ++k) {
      left[row][k] = broadcast(*a.at(row, k));
    }
  }
  const auto add = [&](Index row, const Register(&right)[terms], Register sum) {
#pragma GCC unroll 4
    for (Index k = 0; k < terms; ++k) {
      sum = Multiply()(left[row][k], right[k], sum);
    }
    return sum;
  };
  Register right[terms];
  Index j = 0;
  for (; j + register_floats <= columns; j += register_floats) {
#pragma GCC unroll 4
    for (Index k = 0; k < terms; ++k) {
      right[k] = load(b.at(j, k));
    }
#pragma GCC unroll 4
    for (Index row = 0; row < rows; ++row) {
      float* const at = c + row * stride + j;
      store(add(row, right, load(at)), at);
    }
  }
  if (const Index rest = columns - j; rest > 0) {
    for (Index k = 0; k < terms; ++k) {
      right[k] = load_first(b.at(j, k), rest, 0.0f);
    }
    for (Index row = 0; row < rows; ++row) {
      float* const at = c + row * stride + j;
      store_first(add(row, right, load_first(at, rest, 0.0f)), at, rest);
    }
  }
}

/// Whether multiply_few_rows() is the faster way.
NODEZERO_INLINE bool are_few_rows(const FloatFactor& b, const Product& product) {
  return b.line_step == 1 && product.rows <= most_few_rows && product.columns >= least_wide_columns;
}

/// b as stored.
template <class Multiply>
[[gnu::noinline]] void multiply_few_rows(const FloatFactor& a, const FloatFactor& b,
                                         const Product& product) {
  for (Index n0 = 0; n0 < product.columns; n0 += few_columns) {
    const Index columns = least(product.columns - n0, few_columns);
    const Index block = few_block / columns / few_terms * few_terms;
    for (Index row = 0; row < product.rows && !product.accumulate; ++row) {
      for (Index j = 0; j < columns; ++j) {
        product.c[row * product.stride + n0 + j] = 0;
      }
    }
    for (Index k0 = 0; k0 < product.terms; k0 += block) {
      const Index end = least(k0 + block, product.terms);
      for (Index k = k0; k < end; ++k) {
        bring_near(b.at(n0, k), columns);
      }
      for (Index row = 0; row < product.rows; row += rows_at_a_time) {
        float* const c = product.c + row * product.stride + n0;
        with_constant<rows_at_a_time>(least(product.rows - row, rows_at_a_time), [&](auto rows) {
          Index k = k0;
          for (; k + few_terms <= end; k += few_terms) {
            add_terms<Multiply, rows.value, few_terms>(a.from(row, k), b.from(n0, k), columns, c,
                                                       product.stride);
          }
          for (; k < end; ++k) {
            add_terms<Multiply, rows.value, 1>(a.from(row, k), b.from(n0, k), columns, c,
                                               product.stride);
          }
        });
      }
    }
  }
}

}  // namespace nodezero::model::NODEZERO_LEVEL
