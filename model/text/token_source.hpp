// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <span>

namespace nodezero::model {

/// An immutable sequence of token ids that can be read anywhere, from any thread.
class TokenSource {
 public:
  virtual ~TokenSource() = default;
  virtual std::uint64_t size() const = 0;
  /// Copies ids [offset, offset + out.size()), which must lie inside.
  /// @throws std::out_of_range if they do not
  /// @throws std::runtime_error naming the file if it cannot be read any more
  virtual void read(std::uint64_t offset, std::span<std::int32_t> out) const = 0;
};

/// @throws std::out_of_range if tokens [offset, offset + count) are not within `size`
void check_token_range(std::uint64_t offset, std::size_t count, std::uint64_t size);

}  // namespace nodezero::model
