// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/layer_norm.hpp"

#include <cassert>

#include "model/kernels/kernels.hpp"

namespace nodezero::model {

void layer_norm(ConstMatrix x, ConstVector gain, ConstVector bias, float epsilon, Matrix y,
                RowMoments moments) {
  assert(same_shape(y, x));
  assert(gain.size() == x.cols() && bias.size() == x.cols());
  const KernelTable& table = kernels();
  for (Index row = 0; row < x.rows(); ++row) {
    table.layer_norm(x.cols(), x.row(row).data(), gain.data(), bias.data(), epsilon,
                     y.row(row).data(), &moments.mean[row], &moments.reciprocal_deviation[row]);
  }
}

void layer_norm_again(ConstMatrix x, ConstVector gain, ConstVector bias, RowMoments moments,
                      Matrix y) {
  assert(same_shape(y, x));
  assert(gain.size() == x.cols() && bias.size() == x.cols());
  const KernelTable& table = kernels();
  for (Index row = 0; row < x.rows(); ++row) {
    table.normalise(x.cols(), x.row(row).data(), gain.data(), bias.data(), moments.mean[row],
                    moments.reciprocal_deviation[row], y.row(row).data());
  }
}

void layer_norm_backward(ConstMatrix d_y, ConstMatrix x, ConstVector gain, RowMoments moments,
                         Matrix d_x, Vector d_gain, Vector d_bias) {
  assert(same_shape(d_y, x) && same_shape(d_x, x));
  assert(gain.size() == x.cols() && d_gain.size() == x.cols() && d_bias.size() == x.cols());
  const KernelTable& table = kernels();
  d_gain.setZero();
  d_bias.setZero();
  for (Index row = 0; row < x.rows(); ++row) {
    table.layer_norm_backward(x.cols(), d_y.row(row).data(), x.row(row).data(), gain.data(),
                              moments.mean[row], moments.reciprocal_deviation[row],
                              d_x.row(row).data(), d_gain.data(), d_bias.data());
  }
}

}  // namespace nodezero::model
