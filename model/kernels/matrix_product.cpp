// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/matrix_product.hpp"

#include <cassert>
#include <stdexcept>

#include <oneapi/dnnl/dnnl.h>

#include "model/kernels/row_product.hpp"

namespace nodezero::model {
namespace {

template <class Left, class Right>
void multiply_any(Left a, Right b, Matrix c, bool accumulate) {
  assert(a.cols() == b.rows() && c.rows() == a.rows() && c.cols() == b.cols());
  if (Left::IsRowMajor && a.rows() == 1 && !accumulate) {
    multiply_row(ConstVector(a.data(), a.cols()), b, c.row(0));
    return;
  }
  const dnnl_status_t status =
      dnnl_sgemm(Left::IsRowMajor ? 'N' : 'T', Right::IsRowMajor ? 'N' : 'T', a.rows(), b.cols(),
                 a.cols(), 1.0f, a.data(), a.outerStride(), b.data(), b.outerStride(),
                 accumulate ? 1.0f : 0.0f, c.data(), c.outerStride());
  if (status != dnnl_success) {
    throw std::runtime_error("oneDNN refused a matrix product");
  }
}

}  // namespace

void multiply(ConstMatrix a, ConstMatrix b, Matrix c, bool accumulate) {
  multiply_any(a, b, c, accumulate);
}

void multiply(Transposed a, ConstMatrix b, Matrix c, bool accumulate) {
  multiply_any(a, b, c, accumulate);
}

void multiply(ConstMatrix a, Transposed b, Matrix c, bool accumulate) {
  multiply_any(a, b, c, accumulate);
}

}  // namespace nodezero::model
