// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <Eigen/Core>

/// A concentration in each cell of a square grid, [y, x].
using Field = Eigen::Array<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

struct Fields {
  Field u, v;
};

/// `count` indices from `first` on, in a grid whose opposite edges touch.
inline Eigen::ArrayXi ring(int first, Eigen::Index count, Eigen::Index size) {
  return Eigen::ArrayXi::NullaryExpr(
      count, [=](Eigen::Index i) { return static_cast<int>((first + i + size) % size); });
}

/// For each cell the value of the one that lies `dx` and `dy` from it.
inline Field shifted(const Field& f, int dx, int dy) {
  return f(ring(dy, f.rows(), f.rows()), ring(dx, f.cols(), f.cols()));
}

/// The reaction-diffusion system of Gray and Scott (Pearson: "Complex patterns in a simple
/// system", Science 261, 1993): spots that grow, split and crowd. It knows nothing of models.
class GrayScott {
 public:
  /// Some square spots at places that depend on `seed`.
  GrayScott(int size, std::uint32_t seed);

  void step();
  const Fields& fields() const { return fields_; }
  Fields& fields() { return fields_; }

 private:
  Fields fields_;
};
