#include "model/matrix_product.hpp"

#include <algorithm>
#include <stdexcept>

#include <oneapi/dnnl/dnnl.h>

namespace nodezero::model {
namespace {

using Index = std::int64_t;

// One row times a matrix reads each of the matrix's values once, so it runs at the speed of
// memory if it reads forward in few streams.
constexpr Index streams = 8;

/// c = a b, with b [k, n] as stored: adds `streams` rows of b at a time.
void multiply_row(Index n, Index k, const float* a, const MatrixView& b, float* c) {
  std::fill_n(c, n, 0.0f);
  Index row = 0;
  for (; row + streams <= k; row += streams) {
    const float* const from = b.data + row * b.stride;
    const float* const x = a + row;
#pragma omp simd
    for (Index j = 0; j < n; ++j) {
      float sum = c[j];
      for (Index stream = 0; stream < streams; ++stream) {
        sum += x[stream] * from[stream * b.stride + j];
      }
      c[j] = sum;
    }
  }
  for (; row < k; ++row) {
    const float* const from = b.data + row * b.stride;
#pragma omp simd
    for (Index j = 0; j < n; ++j) {
      c[j] += a[row] * from[j];
    }
  }
}

/// c = a b, with b stored as its transpose [n, k]: dot products of rows.
void multiply_row_transposed(Index n, Index k, const float* a, const MatrixView& b, float* c) {
  for (Index j = 0; j < n; ++j) {
    const float* const from = b.data + j * b.stride;
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (Index i = 0; i < k; ++i) {
      sum += a[i] * from[i];
    }
    c[j] = sum;
  }
}

}  // namespace

void multiply(Index m, Index n, Index k, MatrixView a, MatrixView b, float* c, Index c_stride,
              bool accumulate) {
  if (m == 1 && !a.transposed && !accumulate) {
    b.transposed ? multiply_row_transposed(n, k, a.data, b, c) : multiply_row(n, k, a.data, b, c);
    return;
  }
  const dnnl_status_t status =
      dnnl_sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', m, n, k, 1.0f, a.data,
                 a.stride, b.data, b.stride, accumulate ? 1.0f : 0.0f, c, c_stride);
  if (status != dnnl_success) {
    throw std::runtime_error("oneDNN refused a matrix product");
  }
}

}  // namespace nodezero::model
