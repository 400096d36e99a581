// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "model/kernels/kernel_table.hpp"
#include "model/kernels/matrix.hpp"
#include "model/kernels/product_scratch.hpp"

namespace nodezero::model {

/// c = a b, or c += a b with accumulate: a [M, K], b [K, N], c [M, N]. Every element of c starts
/// from what it is, or from +0, and takes its K terms in ascending order, each by one fused
/// multiplication and addition, whatever the shapes: a part of c has the bits that it has in all of
/// c. Uses only the calling thread, which must hold a FloatingPointScope. `scratch` has
/// product_scratch(M, N, K) floats.
void multiply(ConstMatrix a, ConstMatrix b, Matrix c, Vector scratch, bool accumulate = false);

/// The same with a stored as its transpose [K, M].
void multiply(Transposed a, ConstMatrix b, Matrix c, Vector scratch, bool accumulate = false);

/// The same with b stored as its transpose [N, K].
void multiply(ConstMatrix a, Transposed b, Matrix c, Vector scratch, bool accumulate = false);

/// The right factor of many products [K, N] as pack() has left it.
class PackedFactor {
 public:
  Index rows() const { return rows_; }
  Index cols() const { return columns_; }

 private:
  friend PackedFactor pack(ConstMatrix b, Vector to);
  friend PackedFactor pack(Transposed b, Vector to);
  friend void multiply(ConstMatrix a, const PackedFactor& b, Matrix c, Vector scratch);
  template <class Right>
  PackedFactor(Right b, Vector to);

  Index rows_, columns_;
  const float* values_;
  const KernelTable* level_;  ///< whose order they have
};

/// Copies b to `to` in the order in which the kernels read it. `to` has packed_floats(N, K) floats
/// on a 64-byte boundary and must outlive the result; b need not.
PackedFactor pack(ConstMatrix b, Vector to);
PackedFactor pack(Transposed b, Vector to);

/// c = a b, with the same bits, without the time that packing takes.
void multiply(ConstMatrix a, const PackedFactor& b, Matrix c, Vector scratch);

/// y = x b: x [K], b [K, N], y [N]. The same bits. The product of a step of generation: reads b
/// once, in the order in which it lies in memory, which is what limits the speed.
void multiply_row(ConstVector x, ConstMatrix b, Vector y);
void multiply_row(ConstVector x, Transposed b, Vector y);

}  // namespace nodezero::model
