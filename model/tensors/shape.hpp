// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>

namespace nodezero::model {

/// 128 TiB of floats, all that a process can address on x86-64. A number of values up to here can
/// be turned into bytes, and those counted a few times over, without overflow.
inline constexpr std::size_t most_values = std::size_t{1} << 45;

/// How many values a tensor of this shape has: the only place where sizes that come from outside
/// are multiplied. Nothing if an extent is negative or there are more than `most_values`.
std::optional<std::size_t> count_values(std::span<const std::int64_t> shape);
std::optional<std::size_t> count_values(std::initializer_list<std::int64_t> shape);

/// For messages: [2, 3].
std::string describe_shape(std::span<const std::int64_t> shape);

}  // namespace nodezero::model
