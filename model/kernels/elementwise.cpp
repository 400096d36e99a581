// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/elementwise.hpp"

#include <cassert>

#include "model/kernels/kernels.hpp"

namespace nodezero::model {

void add_bias(ConstVector bias, Matrix x) {
  assert(bias.size() == x.cols());
  const KernelTable& table = kernels();
  for (Index row = 0; row < x.rows(); ++row) {
    float* const to = x.row(row).data();
    table.add(x.cols(), to, bias.data(), to);
  }
}

void column_sums(ConstMatrix x, Vector sums) {
  assert(sums.size() == x.cols());
  const KernelTable& table = kernels();
  sums.setZero();
  for (Index row = 0; row < x.rows(); ++row) {
    table.add(x.cols(), sums.data(), x.row(row).data(), sums.data());
  }
}

void bias_gelu(ConstVector bias, Matrix x, Matrix y) {
  assert(bias.size() == x.cols() && same_shape(y, x));
  const KernelTable& table = kernels();
  for (Index row = 0; row < x.rows(); ++row) {
    table.bias_gelu(x.cols(), bias.data(), x.row(row).data(), y.row(row).data());
  }
}

void gelu_backward(ConstMatrix x, Matrix d, Matrix y, Vector d_bias) {
  d_bias.setZero();
  add_gelu_backward(x, d, y, d_bias);
}

void add_gelu_backward(ConstMatrix x, Matrix d, Matrix y, Vector d_bias) {
  assert(same_shape(d, x) && same_shape(y, x) && d_bias.size() == x.cols());
  const KernelTable& table = kernels();
  for (Index row = 0; row < x.rows(); ++row) {
    table.gelu_backward(x.cols(), x.row(row).data(), d.row(row).data(), y.row(row).data(),
                        d_bias.data());
  }
}

void tangent(Vector x) {
  kernels().tangent(x.size(), x.data(), x.data());
}

}  // namespace nodezero::model
