// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/matrix_product.hpp"

#include <cassert>

#include "model/kernels/factor_of.hpp"
#include "model/kernels/kernels.hpp"

namespace nodezero::model {
namespace {

template <class Left, class Right>
void multiply_floats(Left a, Right b, Matrix c, Vector scratch, bool accumulate) {
  if (Left::IsRowMajor && a.rows() == 1 && !accumulate) {
    multiply_row(ConstVector(a.data(), a.cols()), b, c.row(0));
    return;
  }
  kernels().multiply(left_factor(a), right_factor(b), product_of(a, b, c, scratch, accumulate));
}

template <class Right>
void multiply_float_row(ConstVector x, Right b, Vector y) {
  assert(x.size() == b.rows() && y.size() == b.cols());
  kernels().multiply_row(x.data(), right_factor(b), y.size(), x.size(), y.data());
}

}  // namespace

void multiply(ConstMatrix a, ConstMatrix b, Matrix c, Vector scratch, bool accumulate) {
  multiply_floats(a, b, c, scratch, accumulate);
}

void multiply(Transposed a, ConstMatrix b, Matrix c, Vector scratch, bool accumulate) {
  multiply_floats(a, b, c, scratch, accumulate);
}

void multiply(ConstMatrix a, Transposed b, Matrix c, Vector scratch, bool accumulate) {
  multiply_floats(a, b, c, scratch, accumulate);
}

template <class Right>
PackedFactor::PackedFactor(Right b, Vector to)
    : rows_(b.rows()), columns_(b.cols()), values_(to.data()), level_(&kernels()) {
  assert(to.size() >= packed_floats(columns_, rows_));
  level_->pack(right_factor(b), columns_, rows_, to.data());
}

PackedFactor pack(ConstMatrix b, Vector to) {
  return {b, to};
}

PackedFactor pack(Transposed b, Vector to) {
  return {b, to};
}

void multiply(ConstMatrix a, const PackedFactor& b, Matrix c, Vector scratch) {
  b.level_->multiply_with_packed(left_factor(a), b.values_, product_of(a, b, c, scratch, false));
}

void multiply_row(ConstVector x, ConstMatrix b, Vector y) {
  multiply_float_row(x, b, y);
}

void multiply_row(ConstVector x, Transposed b, Vector y) {
  multiply_float_row(x, b, y);
}

}  // namespace nodezero::model
