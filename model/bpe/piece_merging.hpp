// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace nodezero::model {

class BytePairs;

/// Merges the tokens of a piece in place until no merge applies, always the first in the list and
/// of equal ones the leftmost; returns how many are left, at the front. n log n steps for n tokens.
std::size_t merge_piece(const BytePairs& pairs, std::span<std::int32_t> tokens);

}  // namespace nodezero::model
