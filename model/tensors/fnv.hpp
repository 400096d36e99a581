// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <bit>
#include <cstdint>
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

/// With the bits of each number.
inline std::uint64_t fnv(std::uint64_t hash, std::span<const float> values) {
  for (const float value : values) {
    hash = fnv(hash, std::bit_cast<std::uint32_t>(value));
  }
  return hash;
}

}  // namespace nodezero::model
