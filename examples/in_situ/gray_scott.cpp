// SPDX-License-Identifier: BSD-3-Clause
#include "gray_scott.hpp"

#include <random>
#include <utility>

namespace {

constexpr float feed = 0.037f, kill = 0.06f;
constexpr float diffusion_u = 0.8f, diffusion_v = 0.4f;

float laplacian(const Fields& f, const std::vector<float>& values, int x, int y) {
  const auto at = [&](int dx, int dy) { return values[f.index(x + dx, y + dy)]; };
  return 0.2f * (at(-1, 0) + at(1, 0) + at(0, -1) + at(0, 1)) +
         0.05f * (at(-1, -1) + at(1, -1) + at(-1, 1) + at(1, 1)) - at(0, 0);
}

}  // namespace

GrayScott::GrayScott(int size, std::uint32_t seed) : fields_(size), next_(size) {
  std::mt19937 random(seed);
  const auto below = [&](int bound) {
    return static_cast<int>(random() % static_cast<unsigned>(bound));
  };
  for (int spot = 0; spot < 12; ++spot) {
    const int left = below(size), top = below(size), width = 4 + below(6);
    for (int y = top; y < top + width; ++y) {
      for (int x = left; x < left + width; ++x) {
        fields_.u[fields_.index(x, y)] = 0.5f;
        fields_.v[fields_.index(x, y)] = 0.25f;
      }
    }
  }
}

void GrayScott::step() {
  for (int y = 0; y < fields_.size; ++y) {
    for (int x = 0; x < fields_.size; ++x) {
      const std::size_t i = fields_.index(x, y);
      const float u = fields_.u[i], v = fields_.v[i];
      const float reaction = u * v * v;
      next_.u[i] =
          u + diffusion_u * laplacian(fields_, fields_.u, x, y) - reaction + feed * (1 - u);
      next_.v[i] =
          v + diffusion_v * laplacian(fields_, fields_.v, x, y) + reaction - (feed + kill) * v;
    }
  }
  std::swap(fields_, next_);
}
