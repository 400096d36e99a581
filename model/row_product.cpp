#include "model/row_product.hpp"

#include <algorithm>

#include "model/multiversion.hpp"

namespace nodezero::model {
namespace {

/// Rows of the matrix that are read side by side: enough streams to keep memory busy, few enough
/// for the processor's prefetchers.
constexpr std::int64_t streams = 4;

NODEZERO_MULTIVERSION void dot_rows(std::int64_t n, std::int64_t k, const float* x, MatrixView b,
                                    float* y) {
  std::int64_t row = 0;
  for (; row + streams <= n; row += streams) {
    const float* const w = b.data + row * b.stride;
    float sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
#pragma omp simd reduction(+ : sum0, sum1, sum2, sum3)
    for (std::int64_t i = 0; i < k; ++i) {
      sum0 += x[i] * w[i];
      sum1 += x[i] * w[b.stride + i];
      sum2 += x[i] * w[2 * b.stride + i];
      sum3 += x[i] * w[3 * b.stride + i];
    }
    y[row] = sum0;
    y[row + 1] = sum1;
    y[row + 2] = sum2;
    y[row + 3] = sum3;
  }
  for (; row < n; ++row) {
    const float* const w = b.data + row * b.stride;
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t i = 0; i < k; ++i) {
      sum += x[i] * w[i];
    }
    y[row] = sum;
  }
}

NODEZERO_MULTIVERSION void add_rows(std::int64_t n, std::int64_t k, const float* x, MatrixView b,
                                    float* y) {
  std::fill_n(y, n, 0.0F);
  std::int64_t row = 0;
  for (; row + streams <= k; row += streams) {
    const float* const w = b.data + row * b.stride;
    const float x0 = x[row], x1 = x[row + 1], x2 = x[row + 2], x3 = x[row + 3];
#pragma omp simd
    for (std::int64_t j = 0; j < n; ++j) {
      y[j] += (x0 * w[j] + x1 * w[b.stride + j]) +
              (x2 * w[2 * b.stride + j] + x3 * w[3 * b.stride + j]);
    }
  }
  for (; row < k; ++row) {
    const float* const w = b.data + row * b.stride;
#pragma omp simd
    for (std::int64_t j = 0; j < n; ++j) {
      y[j] += x[row] * w[j];
    }
  }
}

}  // namespace

void multiply_row(std::int64_t n, std::int64_t k, const float* x, MatrixView b, float* y) {
  if (b.transposed) {
    dot_rows(n, k, x, b, y);
  } else {
    add_rows(n, k, x, b, y);
  }
}

}  // namespace nodezero::model
