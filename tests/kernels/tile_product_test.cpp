// SPDX-License-Identifier: BSD-3-Clause

// The kernels for AMX on a tile unit in software: the bits of the kernels without one, for all
// forms of a product and for sizes beside those of tiles and blocks.

#include <bit>
#include <cstdint>
#include <ostream>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "model/kernels/kernel_table.hpp"
#include "model/kernels/product_scratch.hpp"

namespace nodezero::model {

namespace portable {
extern const KernelTable table;
}
namespace amx_in_software {
extern const KernelTable table;
}

namespace {

struct Sizes {
  std::ptrdiff_t rows, columns, terms;

  friend std::ostream& operator<<(std::ostream& out, const Sizes& x) {
    return out << x.rows << " x " << x.columns << " x " << x.terms;
  }
};

/// A line's terms side by side, or the lines side by side.
enum class Layout { terms_together, lines_together };

template <class Value>
struct Stored {
  std::vector<Value> values;
  Factor<Value> factor;

  template <class Number>
  Stored(std::ptrdiff_t lines, std::ptrdiff_t terms, Layout layout, Number number) {
    const bool together = layout == Layout::terms_together;
    const std::ptrdiff_t step = (together ? terms : lines) + 3;
    values.resize(static_cast<std::size_t>(step * (together ? lines : terms)));
    for (Value& value : values) {
      value = number();
    }
    factor = {values.data(), together ? step : 1, together ? 1 : step};
  }
};

class TileProducts : public testing::TestWithParam<Sizes> {
 protected:
  void SetUp() override {
    if (!__builtin_cpu_supports("avx512bf16")) {
      GTEST_SKIP() << "what surrounds the tiles needs AVX512_BF16";
    }
  }

  /// Of all magnitudes: many sums pass the smallest normal number on their way, or end at a zero.
  std::uint16_t half() {
    const auto sign = static_cast<std::uint16_t>(draw_() & 0x8000);
    const auto exponent = static_cast<std::uint16_t>(40 + draw_() % 40);
    return draw_() % 8 == 0 ? sign
                            : static_cast<std::uint16_t>(sign | exponent << 7 | (draw_() & 0x7F));
  }
  float number() {
    return std::bit_cast<float>(std::uint32_t{half()} << 16 |
                                static_cast<std::uint32_t>(draw_() & 0xFFFF));
  }

  /// multiply(table) gives the kernel.
  template <class Left, class Right, class Multiply>
  void expect_same(const Stored<Left>& a, const Stored<Right>& b, Multiply multiply) {
    const auto [rows, columns, terms] = GetParam();
    const std::ptrdiff_t stride = columns + 5;
    std::vector<float> start(static_cast<std::size_t>(rows * stride));
    for (float& value : start) {
      value = number() * 0x1p-40F;
    }
    std::vector<float> scratch(static_cast<std::size_t>(product_scratch(rows, columns, terms)));
    for (const bool accumulate : {false, true}) {
      const auto product_by = [&](const KernelTable& table) {
        std::vector<float> c = start;
        multiply(table)(a.factor, b.factor,
                        {rows, columns, terms, c.data(), stride, accumulate, scratch.data()});
        return c;
      };
      const auto expected = product_by(portable::table);
      const auto actual = product_by(amx_in_software::table);
      for (std::size_t i = 0; i < expected.size(); ++i) {
        ASSERT_EQ(std::bit_cast<std::uint32_t>(actual[i]),
                  std::bit_cast<std::uint32_t>(expected[i]))
            << "at " << i << ", accumulate " << accumulate;
      }
    }
  }

  std::mt19937 draw_{11};
};

TEST_P(TileProducts, HaveTheBitsOfProductsWithoutTiles) {
  const auto [rows, columns, terms] = GetParam();
  for (const Layout left : {Layout::terms_together, Layout::lines_together}) {
    for (const Layout right : {Layout::terms_together, Layout::lines_together}) {
      const Stored<std::uint16_t> a(rows, terms, left, [this] { return half(); });
      expect_same(a, Stored<float>(columns, terms, right, [this] { return number(); }),
                  [](const KernelTable& table) { return table.bf16_tile.multiply; });
      expect_same(a, Stored<std::uint16_t>(columns, terms, right, [this] { return half(); }),
                  [](const KernelTable& table) { return table.bf16_tile.multiply_halves; });
    }
  }
}

/// Kernels that are used here may read the left factor in place; these pack it.
TEST_P(TileProducts, HaveTheBitsOfOtherProductsOfFloats) {
  const auto [rows, columns, terms] = GetParam();
  for (const Layout left : {Layout::terms_together, Layout::lines_together}) {
    expect_same(Stored<float>(rows, terms, left, [this] { return number(); }),
                Stored<float>(columns, terms, Layout::lines_together, [this] { return number(); }),
                [](const KernelTable& table) { return table.multiply; });
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, TileProducts,
                         testing::Values(Sizes{1, 1, 1}, Sizes{16, 16, 32}, Sizes{32, 32, 64},
                                         Sizes{33, 17, 31}, Sizes{48, 31, 33}, Sizes{5, 40, 2},
                                         Sizes{31, 65, 97}, Sizes{40, 20, 383}, Sizes{17, 33, 385},
                                         Sizes{130, 48, 45}, Sizes{3, 790, 40}));

}  // namespace
}  // namespace nodezero::model
