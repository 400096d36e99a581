// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cassert>
#include <concepts>
#include <cstdint>
#include <span>
#include <type_traits>

#include <Eigen/Core>

/// How kernels take matrices and vectors: as Eigen maps of memory that somebody else owns. The
/// shape travels with the pointer, and debug and sanitizer builds check it. Only the views are
/// Eigen's. The order in which Eigen adds depends on the instruction set, so the kernels compute
/// everything that decides a bit of a result themselves.
namespace nodezero::model {

using Index = Eigen::Index;
enum class Bf16 : std::uint16_t;  // bf16.hpp

/// An Eigen expression that lies in memory, such as a block or a row of a map.
template <class X, class Value>
concept InMemory = requires(X& x) {
  { x.data() } -> std::convertible_to<Value*>;
  requires std::remove_cvref_t<X>::InnerStrideAtCompileTime == 1;
};
template <class X, class Value, int order>
concept MatrixInMemory = InMemory<X, Value> &&
                         (std::remove_cvref_t<X>::IsRowMajor != 0) == (order == Eigen::RowMajor);
template <class X, class Value>
concept VectorInMemory = InMemory<X, Value> && std::remove_cvref_t<X>::IsVectorAtCompileTime != 0;

/// Stored, or const Stored if the values are const.
template <class Value, class Stored>
using ConstAs = std::conditional_t<std::is_const_v<Value>, const Stored, Stored>;

template <class Value, int order>
using EigenMatrixMap =
    Eigen::Map<ConstAs<Value, Eigen::Matrix<std::remove_const_t<Value>, Eigen::Dynamic,
                                            Eigen::Dynamic, order>>,
               Eigen::Unaligned, Eigen::OuterStride<>>;

/// A matrix stored row by row, with rows outerStride() values apart. With Eigen::ColMajor it is
/// the transpose of such a matrix, in the same memory.
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
  template <MatrixInMemory<Value, order> X>
  MatrixMap(X&& x) : MatrixMap(x.data(), x.rows(), x.cols(), x.outerStride()) {}

  MatrixMap(const MatrixMap&) = default;
  MatrixMap& operator=(const MatrixMap&) = delete;
};

template <class Value>
using EigenVectorMap = Eigen::Map<
    ConstAs<Value, Eigen::Matrix<std::remove_const_t<Value>, 1, Eigen::Dynamic, Eigen::RowMajor>>>;

/// A row of values without gaps.
template <class Value>
class VectorMap : public EigenVectorMap<Value> {
 public:
  VectorMap(Value* data, Index size) : EigenVectorMap<Value>(data, size) {}
  VectorMap(std::span<Value> values)
      : VectorMap(values.data(), static_cast<Index>(values.size())) {}

  /// Another map, a part of one, or a row of a matrix.
  template <VectorInMemory<Value> X>
  VectorMap(X&& x) : VectorMap(x.data(), x.size()) {}

  VectorMap(const VectorMap&) = default;
  VectorMap& operator=(const VectorMap&) = delete;
};

/// For assertions.
template <class A, class B>
bool same_shape(const A& a, const B& b) {
  return a.rows() == b.rows() && a.cols() == b.cols();
}

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
