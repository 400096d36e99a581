// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cassert>
#include <concepts>
#include <cstdint>
#include <span>
#include <type_traits>

#include <Eigen/Core>

/// Matrices and vectors as kernels take them: Eigen's maps of memory that somebody else owns.
/// Shapes travel with the pointer, and debug builds and sanitizers check them. Only views are
/// Eigen's: how it orders a sum depends on the instruction set, so whatever decides a bit of a
/// result is computed by the kernels themselves.
namespace nodezero::model {

using Index = Eigen::Index;
enum class Bf16 : std::uint16_t;  // bf16.hpp

/// Adjacent values in memory that a map of `Value`s can take over, such as a block or a row.
template <class X, class Value>
concept Adjacent = requires(X& x) {
  { x.data() } -> std::convertible_to<Value*>;
  requires std::remove_cvref_t<X>::InnerStrideAtCompileTime == 1;
};

/// Stored, or const Stored if the values are const.
template <class Value, class Stored>
using ConstAs = std::conditional_t<std::is_const_v<Value>, const Stored, Stored>;

template <class Value, int order>
using EigenMatrixMap =
    Eigen::Map<ConstAs<Value, Eigen::Matrix<std::remove_const_t<Value>, Eigen::Dynamic,
                                            Eigen::Dynamic, order>>,
               Eigen::Unaligned, Eigen::OuterStride<>>;

/// A matrix whose rows are adjacent values, outerStride() values apart. With Eigen::ColMajor it is
/// the transpose of such a matrix, which has the same memory.
template <class Value, int order = Eigen::RowMajor>
class MatrixMap : public EigenMatrixMap<Value, order> {
 public:
  MatrixMap(Value* data, Index rows, Index columns, Index stride)
      : EigenMatrixMap<Value, order>(data, rows, columns, Eigen::OuterStride<>(stride)) {}

  /// Rows without gaps.
  MatrixMap(Value* data, Index rows, Index columns) : MatrixMap(data, rows, columns, columns) {}
  MatrixMap(std::span<Value> values, Index rows, Index columns)
      : MatrixMap(values.data(), rows, columns) {
    assert(static_cast<Index>(values.size()) >= rows * columns);
  }

  /// Another map, a block of one, or its transpose().
  template <Adjacent<Value> X>
  requires(bool{std::remove_cvref_t<X>::IsRowMajor} == (order == Eigen::RowMajor)) MatrixMap(X&& x)
      : MatrixMap(x.data(), x.rows(), x.cols(), x.outerStride()) {}

  MatrixMap(const MatrixMap&) = default;
  MatrixMap& operator=(const MatrixMap&) = delete;
};

template <class Value>
using EigenVectorMap = Eigen::Map<
    ConstAs<Value, Eigen::Matrix<std::remove_const_t<Value>, 1, Eigen::Dynamic, Eigen::RowMajor>>>;

/// A row of adjacent values.
template <class Value>
class VectorMap : public EigenVectorMap<Value> {
 public:
  VectorMap(Value* data, Index size) : EigenVectorMap<Value>(data, size) {}
  VectorMap(std::span<Value> values)
      : VectorMap(values.data(), static_cast<Index>(values.size())) {}

  /// Another map, a part of one, or a row of a matrix.
  template <Adjacent<Value> X>
  requires(bool{std::remove_cvref_t<X>::IsVectorAtCompileTime}) VectorMap(X&& x)
      : VectorMap(x.data(), x.size()) {}

  VectorMap(const VectorMap&) = default;
  VectorMap& operator=(const VectorMap&) = delete;
};

using Matrix = MatrixMap<float>;
using ConstMatrix = MatrixMap<const float>;
using Transposed = MatrixMap<const float, Eigen::ColMajor>;  ///< what x.transpose() becomes
using Vector = VectorMap<float>;
using ConstVector = VectorMap<const float>;

using Bf16Matrix = MatrixMap<Bf16>;
using ConstBf16Matrix = MatrixMap<const Bf16>;
using TransposedBf16 = MatrixMap<const Bf16, Eigen::ColMajor>;
using Bf16Vector = VectorMap<Bf16>;
using ConstBf16Vector = VectorMap<const Bf16>;

}  // namespace nodezero::model
