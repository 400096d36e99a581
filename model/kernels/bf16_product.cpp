// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/bf16_product.hpp"

#include <cassert>
#include <type_traits>

#include "model/kernels/factor_of.hpp"
#include "model/kernels/kernels.hpp"

namespace nodezero::model {

const HalfProducts& Bf16Products::kernels_of_precision() const {
  return precision_ == Precision::bf16_tile ? kernels().bf16_tile : kernels().bf16;
}

template <class Left, class Right>
void Bf16Products::multiply_any(Left a, Right b, Matrix c, bool accumulate) const {
  const Product product = product_of(a, b, c, scratch_, accumulate);
  if constexpr (std::is_same_v<typename Right::Scalar, float>) {
    kernels_of_precision().multiply(left_factor(a), right_factor(b), product);
  } else {
    kernels_of_precision().multiply_halves(left_factor(a), right_factor(b), product);
  }
}

void Bf16Products::multiply(ConstBf16Matrix a, ConstMatrix b, Matrix c, bool accumulate) const {
  multiply_any(a, b, c, accumulate);
}

void Bf16Products::multiply(ConstBf16Matrix a, Transposed b, Matrix c, bool accumulate) const {
  multiply_any(a, b, c, accumulate);
}

void Bf16Products::multiply(ConstBf16Matrix a, ConstBf16Matrix b, Matrix c, bool accumulate) const {
  multiply_any(a, b, c, accumulate);
}

void Bf16Products::multiply(ConstBf16Matrix a, TransposedBf16 b, Matrix c, bool accumulate) const {
  multiply_any(a, b, c, accumulate);
}

void Bf16Products::multiply(TransposedBf16 a, ConstBf16Matrix b, Matrix c, bool accumulate) const {
  multiply_any(a, b, c, accumulate);
}

void Bf16Products::multiply_row(ConstVector x, ConstBf16Matrix b, Vector y) const {
  assert(x.size() == b.rows() && y.size() == b.cols());
  kernels_of_precision().multiply_row(x.data(), right_factor(b), y.size(), x.size(), y.data());
}

void Bf16Products::multiply_row(ConstVector x, TransposedBf16 b, Vector y) const {
  assert(x.size() == b.rows() && y.size() == b.cols());
  kernels_of_precision().multiply_row(x.data(), right_factor(b), y.size(), x.size(), y.data());
}

}  // namespace nodezero::model
