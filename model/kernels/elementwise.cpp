// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/elementwise.hpp"

#include <cassert>

#include "model/kernels/kernels.hpp"

namespace nodezero::model {
namespace {

const ActivationKernels& kernels_of(Activation activation) {
  return kernels().activations[static_cast<std::size_t>(activation)];
}

}  // namespace

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

void bias_activation(Activation activation, ConstVector bias, Matrix x, Matrix y) {
  assert(bias.size() == x.cols() && same_shape(y, x));
  const ActivationKernels& table = kernels_of(activation);
  for (Index row = 0; row < x.rows(); ++row) {
    table.forward(x.cols(), bias.data(), x.row(row).data(), y.row(row).data());
  }
}

void activation_backward(Activation activation, ConstMatrix x, Matrix d, Matrix y, Vector d_bias) {
  d_bias.setZero();
  add_activation_backward(activation, x, d, y, d_bias);
}

void add_activation_backward(Activation activation, ConstMatrix x, Matrix d, Matrix y,
                             Vector d_bias) {
  assert(same_shape(d, x) && same_shape(y, x) && d_bias.size() == x.cols());
  const ActivationKernels& table = kernels_of(activation);
  for (Index row = 0; row < x.rows(); ++row) {
    table.backward(x.cols(), x.row(row).data(), d.row(row).data(), y.row(row).data(),
                   d_bias.data());
  }
}

void error_function(Vector x) {
  kernels().error_function(x.size(), x.data(), x.data());
}

void tangent(Vector x) {
  kernels().tangent(x.size(), x.data(), x.data());
}

}  // namespace nodezero::model
