// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/matrix_product.hpp"

#include <stdexcept>

#include <oneapi/dnnl/dnnl.h>

#include "model/kernels/row_product.hpp"

namespace nodezero::model {
void multiply(std::int64_t m, std::int64_t n, std::int64_t k, MatrixView a, MatrixView b, float* c,
              std::int64_t c_stride, bool accumulate) {
  if (m == 1 && !a.transposed && !accumulate) {
    multiply_row(n, k, a.data, b, c);
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
