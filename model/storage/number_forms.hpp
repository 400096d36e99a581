// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace nodezero::model {

/// How ggml stores numbers; the values are those of the format. Q8_0: blocks of 32, each a scale of
/// 16 bits and 32 signed bytes.
enum class NumberForm : std::uint32_t { f32 = 0, f16 = 1, q8_0 = 8, bf16 = 30 };

inline constexpr std::size_t q8_block = 32;

/// Whether it is one of the above.
bool is_known(std::uint32_t form);

/// Bytes of `count` numbers, which are whole blocks.
std::uint64_t stored_bytes(NumberForm form, std::uint64_t count);

/// Numbers as they are stored, rounded to the nearest; for q8_0 whole blocks.
void store(NumberForm form, std::span<const float> numbers, std::string& bytes);

/// The inverse; `bytes` has stored_bytes(form, numbers.size()).
void restore(NumberForm form, std::span<const std::byte> bytes, std::span<float> numbers);

}  // namespace nodezero::model
