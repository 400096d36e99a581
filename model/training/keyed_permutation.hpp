// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "model/kernels/random.hpp"

namespace nodezero::model {

/// A shuffled order of 0..size-1 that takes no memory: a balanced Feistel network (Luby,
/// Rackoff: "How to construct pseudorandom permutations from pseudorandom functions", SIAM
/// J. Comput. 17, 1988) permutes the next power of four, and cycle walking (Black, Rogaway:
/// "Ciphers with arbitrary finite domains", CT-RSA 2002) brings results outside the range back
/// into it. Every element is as likely to come at every place as the key is random.
class KeyedPermutation {
 public:
  /// At least one element.
  KeyedPermutation(std::uint64_t size, KeyedRandom random);

  std::uint64_t size() const { return size_; }
  /// The element at a place below size().
  std::uint64_t operator()(std::uint64_t place) const;

 private:
  std::uint64_t encipher(std::uint64_t value) const;

  std::uint64_t size_;
  int half_bits_;
  KeyedRandom random_;
};

}  // namespace nodezero::model
