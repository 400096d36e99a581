// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "model/kernels/kernel_table.hpp"
#include "model/kernels/matrix.hpp"
#include "model/kernels/precision.hpp"
#include "model/kernels/product_scratch.hpp"

namespace nodezero::model {

/// Products of one of the precisions with factors in bf16: c = a b, or c += a b with accumulate, a
/// [M, K], b [K, N], c [M, N]. docs/arithmetic.md says in which order the terms of an element are
/// added; as in fp32 it does not depend on the shapes. An fp32 factor is rounded while it is
/// packed, so that weights need no copy in bf16.
class Bf16Products {
 public:
  /// `scratch` has product_scratch() floats for the largest product.
  Bf16Products(Precision precision, Vector scratch) : precision_(precision), scratch_(scratch) {}

  void multiply(ConstBf16Matrix a, ConstMatrix b, Matrix c, bool accumulate = false) const;
  void multiply(ConstBf16Matrix a, Transposed b, Matrix c, bool accumulate = false) const;
  void multiply(ConstBf16Matrix a, ConstBf16Matrix b, Matrix c, bool accumulate = false) const;
  void multiply(ConstBf16Matrix a, TransposedBf16 b, Matrix c, bool accumulate = false) const;
  void multiply(TransposedBf16 a, ConstBf16Matrix b, Matrix c, bool accumulate = false) const;

  /// y = x b: x [K] with values of bf16, b [K, N], y [N].
  void multiply_row(ConstVector x, ConstBf16Matrix b, Vector y) const;
  void multiply_row(ConstVector x, TransposedBf16 b, Vector y) const;

 private:
  template <class Left, class Right>
  void multiply_any(Left a, Right b, Matrix c, bool accumulate) const;
  const HalfProducts& kernels_of_precision() const;

  Precision precision_;
  Vector scratch_;
};

}  // namespace nodezero::model
