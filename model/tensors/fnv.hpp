// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace nodezero::model {

/// FNV-1a: what a hash begins with, and what it becomes with one more word.
constexpr std::uint64_t fnv_start = 0xcbf29ce484222325;
constexpr std::uint64_t fnv(std::uint64_t hash, std::uint64_t word) {
  return (hash ^ word) * 0x100000001b3;
}

/// With each byte of a text.
constexpr std::uint64_t fnv(std::uint64_t hash, std::string_view text) {
  for (const char c : text) {
    hash = fnv(hash, static_cast<unsigned char>(c));
  }
  return hash;
}

/// With the bits of many numbers: eight hashes, each of every eighth pair of them, are on their way
/// together, because one alone would wait for its multiplications.
inline std::uint64_t fnv(std::uint64_t hash, std::span<const float> values) {
  std::array<std::uint64_t, 8> hashes;
  hashes.fill(fnv_start);
  std::array<std::uint64_t, hashes.size()> words;
  for (; values.size() >= 2 * words.size(); values = values.subspan(2 * words.size())) {
    std::memcpy(words.data(), values.data(), sizeof words);
    for (std::size_t i = 0; i < words.size(); ++i) {
      hashes[i] = fnv(hashes[i], words[i]);
    }
  }
  for (const float value : values) {
    hash = fnv(hash, std::bit_cast<std::uint32_t>(value));
  }
  for (const std::uint64_t each : hashes) {
    hash = fnv(hash, each);
  }
  return hash;
}

}  // namespace nodezero::model
