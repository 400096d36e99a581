// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/random.hpp"

#include <cstddef>

#include "model/kernels/multiversion.hpp"

namespace nodezero::model {

// The rounds of philox() with sixteen counters side by side.
NODEZERO_MULTIVERSION void KeyedRandom::words_of_16(
    std::uint64_t first, std::array<std::array<std::uint32_t, 16>, 4>& out) const {
  auto& [c0, c1, c2, c3] = out;
  const std::uint32_t first_low = low(first), first_high = high(first);
  for (std::uint32_t i = 0; i < 16; ++i) {
    c0[i] = first_low + i;  // no carry: the low four bits of `first` are zero
    c1[i] = first_high;
    c2[i] = prefix_[0];
    c3[i] = prefix_[1];
  }
  std::uint32_t key_0 = key_[0], key_1 = key_[1];
  for (int round = 0; round < 10; ++round) {
#pragma omp simd
    for (std::size_t i = 0; i < 16; ++i) {
      const std::uint64_t a = std::uint64_t{0xD2511F53u} * c0[i];
      const std::uint64_t b = std::uint64_t{0xCD9E8D57u} * c2[i];
      c0[i] = static_cast<std::uint32_t>(b >> 32) ^ c1[i] ^ key_0;
      c1[i] = static_cast<std::uint32_t>(b);
      c2[i] = static_cast<std::uint32_t>(a >> 32) ^ c3[i] ^ key_1;
      c3[i] = static_cast<std::uint32_t>(a);
    }
    key_0 += 0x9E3779B9u;
    key_1 += 0xBB67AE85u;
  }
}

}  // namespace nodezero::model
