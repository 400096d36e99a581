// SPDX-License-Identifier: BSD-3-Clause
#include "gray_scott.hpp"

#include <random>

namespace {

constexpr float feed = 0.037f, kill = 0.06f;
constexpr float diffusion_u = 0.8f, diffusion_v = 0.4f;

Field laplacian(const Field& f) {
  const auto at = [&](int dx, int dy) { return shifted(f, dx, dy); };
  return 0.2f * (at(-1, 0) + at(1, 0) + at(0, -1) + at(0, 1)) +
         0.05f * (at(-1, -1) + at(1, -1) + at(-1, 1) + at(1, 1)) - f;
}

}  // namespace

GrayScott::GrayScott(int size, std::uint32_t seed)
    : fields_{Field::Ones(size, size), Field::Zero(size, size)} {
  std::mt19937 random(seed);
  const auto below = [&](int bound) {
    return static_cast<int>(random() % static_cast<unsigned>(bound));
  };
  for (int spot = 0; spot < 12; ++spot) {
    const int left = below(size), top = below(size), width = 4 + below(6);
    const auto rows = ring(top, width, size), columns = ring(left, width, size);
    fields_.u(rows, columns) = 0.5f;
    fields_.v(rows, columns) = 0.25f;
  }
}

void GrayScott::step() {
  auto& [u, v] = fields_;
  const Field reaction = u * v * v;
  u += diffusion_u * laplacian(u) - reaction + feed * (1 - u);
  v += diffusion_v * laplacian(v) + reaction - (feed + kill) * v;
}
