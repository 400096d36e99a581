// SPDX-License-Identifier: BSD-3-Clause
#include "model/training/keyed_permutation.hpp"

#include <bit>
#include <cassert>

namespace nodezero::model {
namespace {

// Four rounds suffice for large halves; short runs have halves of a few bits, which need more
// to be mixed well.
constexpr std::uint64_t rounds = 8;

}  // namespace

KeyedPermutation::KeyedPermutation(std::uint64_t size, KeyedRandom random)
    : size_(size), half_bits_((std::bit_width(size - 1) + 1) / 2), random_(random) {
  assert(size > 0);
}

std::uint64_t KeyedPermutation::operator()(std::uint64_t place) const {
  assert(place < size_);
  // The cycle of a place leads back to it, so it leads into the range: the walk ends.
  std::uint64_t value = encipher(place);
  while (value >= size_) {
    value = encipher(value);
  }
  return value;
}

std::uint64_t KeyedPermutation::encipher(std::uint64_t value) const {
  const std::uint64_t mask = (std::uint64_t{1} << half_bits_) - 1;
  std::uint64_t left = value >> half_bits_;
  std::uint64_t right = value & mask;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    // A half has at most 32 bits, so round and half make a block number of their own.
    const std::uint64_t mixed = random_.words(round << 32 | right)[0] & mask;
    const std::uint64_t next = left ^ mixed;
    left = right;
    right = next;
  }
  return left << half_bits_ | right;
}

}  // namespace nodezero::model
