// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

/// Two concentrations on a square grid whose opposite edges touch.
struct Fields {
  explicit Fields(int size)
      : size(size), u(static_cast<std::size_t>(size * size), 1.0f), v(u.size(), 0.0f) {}

  std::size_t cells() const { return u.size(); }
  /// Of any x and y, those beyond the edges too.
  std::size_t index(int x, int y) const {
    return static_cast<std::size_t>((y + size) % size * size + (x + size) % size);
  }

  int size;
  std::vector<float> u, v;
};

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
  Fields fields_, next_;
};
