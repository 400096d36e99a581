// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string_view>

/// The constants of the format GGUF.
namespace nodezero::model::gguf {

inline constexpr std::string_view magic = "GGUF";
inline constexpr std::uint32_t version = 3;
/// Of tensors, unless general.alignment says something else.
inline constexpr std::uint64_t alignment = 32;

inline constexpr std::uint32_t type_u8 = 0;
inline constexpr std::uint32_t type_i8 = 1;
inline constexpr std::uint32_t type_u16 = 2;
inline constexpr std::uint32_t type_i16 = 3;
inline constexpr std::uint32_t type_u32 = 4;
inline constexpr std::uint32_t type_i32 = 5;
inline constexpr std::uint32_t type_f32 = 6;
inline constexpr std::uint32_t type_bool = 7;
inline constexpr std::uint32_t type_string = 8;
inline constexpr std::uint32_t type_array = 9;
inline constexpr std::uint32_t type_u64 = 10;
inline constexpr std::uint32_t type_i64 = 11;
inline constexpr std::uint32_t type_f64 = 12;

}  // namespace nodezero::model::gguf
