// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "model/kernels/bf16_product.hpp"
#include "model/kernels/matrix_product.hpp"

namespace nodezero::model {

/// y[n] = x[k] b[k, n]: what a step of generation multiplies. Reads the matrix once, in the order
/// in which it lies in memory, which is all that its speed depends on. The bits depend on sizes
/// and values alone.
void multiply_row(std::int64_t n, std::int64_t k, const float* x, MatrixView b, float* y);

/// The same with a matrix of bf16, half of the bytes to read; factors and sums are fp32. For any
/// processor.
void multiply_row(std::int64_t n, std::int64_t k, const float* x, Bf16View b, float* y);

}  // namespace nodezero::model
