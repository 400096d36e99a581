// SPDX-License-Identifier: BSD-3-Clause
#include "model/storage/number_forms.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include <Eigen/Core>

namespace nodezero::model {
namespace {

static_assert(std::endian::native == std::endian::little);

struct Q8Block {
  std::uint16_t scale;
  std::array<std::int8_t, q8_block> numbers;
};
static_assert(sizeof(Q8Block) == 34);

template <class Half>
std::uint16_t narrow(float number) {
  return Eigen::numext::bit_cast<std::uint16_t>(static_cast<Half>(number));
}

template <class Half>
float widen(std::uint16_t bits) {
  return static_cast<float>(Eigen::numext::bit_cast<Half>(bits));
}

template <class Value>
void append(const Value& value, std::string& bytes) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

Q8Block quantize(std::span<const float> numbers) {
  float largest = 0;
  for (const float number : numbers) {
    largest = std::max(largest, std::abs(number));
  }
  const float scale = largest / 127;
  const float inverse = scale == 0 ? 0 : 1 / scale;
  Q8Block block{narrow<Eigen::half>(scale), {}};
  std::ranges::transform(numbers, block.numbers.begin(), [&](float number) {
    return static_cast<std::int8_t>(std::lround(number * inverse));
  });
  return block;
}

}  // namespace

bool is_known(std::uint32_t form) {
  return form == 0 || form == 1 || form == 8 || form == 30;
}

std::uint64_t stored_bytes(NumberForm form, std::uint64_t count) {
  switch (form) {
    case NumberForm::f32:
      return count * 4;
    case NumberForm::f16:
    case NumberForm::bf16:
      return count * 2;
    case NumberForm::q8_0:
      break;
  }
  return count / q8_block * sizeof(Q8Block);
}

void store(NumberForm form, std::span<const float> numbers, std::string& bytes) {
  bytes.reserve(bytes.size() + stored_bytes(form, numbers.size()));
  switch (form) {
    case NumberForm::f32:
      bytes.append(reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes());
      return;
    case NumberForm::f16:
      std::ranges::for_each(numbers, [&](float x) { append(narrow<Eigen::half>(x), bytes); });
      return;
    case NumberForm::bf16:
      std::ranges::for_each(numbers, [&](float x) { append(narrow<Eigen::bfloat16>(x), bytes); });
      return;
    case NumberForm::q8_0:
      for (std::size_t at = 0; at < numbers.size(); at += q8_block) {
        append(quantize(numbers.subspan(at, q8_block)), bytes);
      }
  }
}

void restore(NumberForm form, std::span<const std::byte> bytes, std::span<float> numbers) {
  const auto half = [&](std::size_t i) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, bytes.data() + i * sizeof bits, sizeof bits);
    return bits;
  };
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    switch (form) {
      case NumberForm::f32:
        std::memcpy(&numbers[i], bytes.data() + i * sizeof(float), sizeof(float));
        break;
      case NumberForm::f16:
        numbers[i] = widen<Eigen::half>(half(i));
        break;
      case NumberForm::bf16:
        numbers[i] = widen<Eigen::bfloat16>(half(i));
        break;
      case NumberForm::q8_0: {
        Q8Block block;
        std::memcpy(&block, bytes.data() + i / q8_block * sizeof block, sizeof block);
        numbers[i] = widen<Eigen::half>(block.scale) * block.numbers[i % q8_block];
        break;
      }
    }
  }
}

}  // namespace nodezero::model
