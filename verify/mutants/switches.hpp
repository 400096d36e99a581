// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <bitset>
#include <cstddef>

/// What the copy of the sources asks that contains all mutants. It is included there alone.
namespace nodezero::mutants {

inline constexpr std::size_t most_numbers = std::size_t{1} << 20U;

/// The mutants that are switched on, by number.
inline std::bitset<most_numbers> switched_on;

inline bool on(std::size_t number) {
  return switched_on[number];
}

}  // namespace nodezero::mutants
