// SPDX-License-Identifier: BSD-3-Clause

// What Intel's manual says that AMX's instructions do, with the sums of docs/arithmetic.md. What a
// processor would answer with an exception fails the test.

#include "tests/kernels/tile_unit.hpp"

#include <array>
#include <cstdint>
#include <cstring>

#include <gtest/gtest.h>

#include "tests/model/support/defined_product.hpp"

namespace {

struct Tile {
  int rows = 0, row_bytes = 0;
  std::uint32_t words[16][16] = {};
};
std::array<Tile, 8> tiles;

Tile& configured(int tile) {
  Tile& found = tiles.at(static_cast<std::size_t>(tile));
  EXPECT_GT(found.rows, 0) << "tile " << tile << " is not configured";
  return found;
}

float low(std::uint32_t pair) {
  return std::bit_cast<float>(pair << 16);
}
float high(std::uint32_t pair) {
  return std::bit_cast<float>(pair & 0xFFFF0000U);
}

}  // namespace

void tile_unit_configure(const void* configuration) {
  unsigned char bytes[64];
  std::memcpy(bytes, configuration, sizeof bytes);
  ASSERT_EQ(bytes[0], 1);
  for (std::size_t i = 0; i < 8; ++i) {
    tiles[i] = {bytes[48 + i], bytes[16 + 2 * i] + 256 * bytes[17 + 2 * i]};
    ASSERT_LE(tiles[i].rows, 16);
    ASSERT_LE(tiles[i].row_bytes, 64);
    ASSERT_EQ(tiles[i].rows == 0, tiles[i].row_bytes == 0);
  }
}

void tile_unit_load(int tile, const void* from, long row_bytes) {
  Tile& to = configured(tile);
  std::memset(to.words, 0, sizeof to.words);
  for (int row = 0; row < to.rows; ++row) {
    std::memcpy(to.words[row], static_cast<const char*>(from) + row * row_bytes,
                static_cast<std::size_t>(to.row_bytes));
  }
}

void tile_unit_clear(int tile) {
  std::memset(configured(tile).words, 0, sizeof tiles[0].words);
}

void tile_unit_add_products(int sums, int left, int right) {
  Tile& c = configured(sums);
  const Tile &a = configured(left), &b = configured(right);
  ASSERT_EQ(c.rows, a.rows);
  ASSERT_EQ(c.row_bytes, b.row_bytes);
  ASSERT_EQ(a.row_bytes, 4 * b.rows);
  for (int row = 0; row < c.rows; ++row) {
    for (int column = 0; column < c.row_bytes / 4; ++column) {
      std::vector<float> x, y;
      for (int pair = 0; pair < b.rows; ++pair) {
        x.insert(x.end(), {low(a.words[row][pair]), high(a.words[row][pair])});
        y.insert(y.end(), {low(b.words[pair][column]), high(b.words[pair][column])});
      }
      std::uint32_t& sum = c.words[row][column];
      sum = std::bit_cast<std::uint32_t>(nodezero::model::test::defined_sum(
          nodezero::model::Precision::bf16_tile, std::bit_cast<float>(sum), x, y));
    }
  }
}

void tile_unit_store(int tile, void* to, long row_bytes) {
  const Tile& from = configured(tile);
  for (int row = 0; row < from.rows; ++row) {
    std::memcpy(static_cast<char*>(to) + row * row_bytes, from.words[row],
                static_cast<std::size_t>(from.row_bytes));
  }
}

void tile_unit_release() {
  tiles = {};
}
