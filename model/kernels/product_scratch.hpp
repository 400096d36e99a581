// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>

namespace nodezero::model {

// The blocks that a matrix product packs at a time: with blocks of this size both factors stay in
// the second-level cache while every element of one meets every element of the other.
inline constexpr std::ptrdiff_t product_block_rows = 128;     ///< of the left factor
inline constexpr std::ptrdiff_t product_block_columns = 768;  ///< of the right factor
/// Terms, or what stands for one or two of them. A multiple of 32: groups of terms stay together.
inline constexpr std::ptrdiff_t product_block_slots = 384;
/// Of a line of the left factor, in one piece: two lines of the cache.
inline constexpr std::ptrdiff_t product_chunk_slots = 32;

/// The floats of scratch that products with up to so many rows, columns and terms need.
constexpr std::ptrdiff_t product_scratch(std::ptrdiff_t rows, std::ptrdiff_t columns,
                                         std::ptrdiff_t terms) {
  const auto block = [](std::ptrdiff_t size, std::ptrdiff_t most, std::ptrdiff_t unit) {
    return size >= most ? most : (size + unit - 1) / unit * unit;
  };
  return (block(rows, product_block_rows, 8) + block(columns, product_block_columns, 16)) *
         block(terms, product_block_slots, product_chunk_slots);
}

/// The floats of a right factor with all its blocks packed.
constexpr std::ptrdiff_t packed_floats(std::ptrdiff_t columns, std::ptrdiff_t terms) {
  return (columns + 15) / 16 * 16 * terms;
}

}  // namespace nodezero::model
