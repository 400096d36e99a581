// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>

namespace nodezero::model {

/// What a random number is used for. Numbers are keyed by purpose and place, never drawn from a
/// shared stream, so it cannot matter who computes them, or in which order.
enum class RandomPurpose : std::uint32_t {
  initial_weights = 1,
  window_offset,
  window_order,
  dropout,
  sampling,
  exchange,
};

/// Philox4x32-10, a counter-based generator (Salmon, Moraes, Dror, Shaw: "Parallel
/// random numbers: as easy as 1, 2, 3", SC 2011): maps a counter of 128 bits and a key of
/// 64 bits to four 32-bit words.
constexpr std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                              std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53u} * counter[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57u} * counter[2];
    counter = {
        static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
        static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key = {key[0] + 0x9E3779B9u, key[1] + 0xBB67AE85u};
  }
  return counter;
}

/// The stream of random numbers of one (seed, purpose, place). Its i-th block is a pure function
/// of these and i.
class KeyedRandom {
 public:
  constexpr KeyedRandom(std::uint64_t seed, RandomPurpose purpose, std::uint64_t place,
                        std::uint64_t subplace = 0) {
    const auto mixed = philox({low(place), high(place), low(subplace), high(subplace)},
                              {low(seed) ^ static_cast<std::uint32_t>(purpose), high(seed)});
    key_ = {mixed[0], mixed[1]};
    prefix_ = {mixed[2], mixed[3]};
  }

  /// Block i: four independent, uniform 32-bit words.
  constexpr std::array<std::uint32_t, 4> words(std::uint64_t i) const {
    return philox({low(i), high(i), prefix_[0], prefix_[1]}, key_);
  }

  /// Sixteen blocks at once, several times faster: out[w][i] is word w of block first + i.
  /// `first` must be a multiple of 16.
  void words_of_16(std::uint64_t first, std::array<std::array<std::uint32_t, 16>, 4>& out) const;

  /// What philox() gets beside the number of a block: the key, and the upper half of its counter.
  constexpr const std::array<std::uint32_t, 2>& key() const { return key_; }
  constexpr const std::array<std::uint32_t, 2>& prefix() const { return prefix_; }

  /// A uniform number in [0, 1) with 53 random bits, from block i.
  constexpr double uniform(std::uint64_t i) const {
    const auto w = words(i);
    const std::uint64_t bits = (std::uint64_t{w[0]} << 32 | w[1]) >> 11;
    return static_cast<double>(bits) * 0x1.0p-53;
  }

 private:
  static constexpr std::uint32_t low(std::uint64_t x) { return static_cast<std::uint32_t>(x); }
  static constexpr std::uint32_t high(std::uint64_t x) {
    return static_cast<std::uint32_t>(x >> 32);
  }

  std::array<std::uint32_t, 2> key_{};
  std::array<std::uint32_t, 2> prefix_{};
};

}  // namespace nodezero::model
