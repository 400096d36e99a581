// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/caf.hpp"

namespace nodezero::runtime {

// CAF finds `inspect` in the namespace of what it inspects, and runtime::inspect is a room.
namespace crossing {

/// Floats that cross with their bits and are shared with their sender until then. If the lower half
/// of each is zero, as in bf16, only the upper halves cross.
class Floats {
 public:
  /// More than any message holds; checked before memory is taken.
  static constexpr std::size_t most = std::size_t{1} << 18U;

  Floats() = default;
  Floats(std::shared_ptr<const float> values, std::size_t count);

  std::span<const float> span() const { return {values_.get(), count_}; }
  std::size_t size() const { return count_; }

  /// The same floats, whose highest bytes, of which most are alike, cross compressed if that makes
  /// them fewer: for links that are slower than a compressor.
  Floats packed() const;
  /// That cross.
  std::size_t bytes() const { return packed_ ? packed_->size() : count_ * width(); }

  friend caf::error inspect(caf::serializer& sink, Floats& floats);
  friend caf::error inspect(caf::deserializer& source, Floats& floats);

 private:
  std::size_t width() const { return are_halves_ ? sizeof(std::uint16_t) : sizeof(float); }

  std::shared_ptr<const float> values_;
  std::size_t count_ = 0;
  bool are_halves_ = false;
  /// The highest byte of each float, compressed, and behind them the other bytes from high to low,
  /// all of one place together. Null: the floats cross as they lie in memory.
  std::shared_ptr<const std::vector<std::byte>> packed_;
};

}  // namespace crossing
using crossing::Floats;

inline std::string layout_name(const Floats&) {
  return "floats, halves or packed";
}

}  // namespace nodezero::runtime
