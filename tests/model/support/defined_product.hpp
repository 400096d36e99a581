// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "model/kernels/precision.hpp"

/// The sums of products as docs/arithmetic.md defines them, element by element.
namespace nodezero::model::test {

inline float flushed(float x) {
  return std::abs(x) < 0x1p-126F ? std::copysign(0.0F, x) : x;
}

/// The fma of bf16, for factors in bf16.
inline float flushed_fma(float a, float b, float c) {
  c = flushed(c);
  const float sum = std::fma(flushed(a), flushed(b), c);
  if (std::abs(sum) <= 0x1p-126F) {
    const float large = std::fma(flushed(a) * 0x1p64F, flushed(b), c * 0x1p64F);
    return std::abs(large) < 0x1p-62F ? std::copysign(0.0F, large) : sum;
  }
  return sum;
}

/// What the terms a[i] b[i] make of `start`.
inline float defined_sum(Precision precision, float start, const std::vector<float>& a,
                         const std::vector<float>& b) {
  const std::size_t size = a.size();
  float sum = start;
  if (precision == Precision::fp32) {
    for (std::size_t i = 0; i < size; ++i) {
      sum = std::fma(a[i], b[i], sum);
    }
    return sum;
  }
  const auto add = [&](std::size_t i, float to) {
    return i < size ? flushed_fma(a[i], b[i], to) : flushed_fma(0, 0, to);
  };
  if (precision == Precision::bf16) {
    for (std::size_t i = 0; i < size; i += 2) {
      sum = add(i, add(i + 1, sum));
    }
    return sum;
  }
  for (std::size_t group = 0; group < size; group += 32) {
    float even = 0, odd = 0;
    for (std::size_t i = group; i < std::min(group + 32, size); i += 2) {
      even = add(i, even);
      odd = add(i + 1, odd);
    }
    sum = flushed(flushed(sum) + flushed(even + odd));
  }
  return sum;
}

}  // namespace nodezero::model::test
