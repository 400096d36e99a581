// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/wire_floats.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>
#include <zstd.h>

#include "runtime/wire.hpp"

namespace nodezero::runtime::crossing {
namespace {

constexpr std::uint8_t halves_flag = 1, packed_flag = 2;

bool are_halves(std::span<const float> values) {
  constexpr std::size_t at_once = 1'024;  // what is no half mostly shows at once
  while (!values.empty()) {
    std::uint32_t dropped = 0;
    for (const float value : values.first(std::min(at_once, values.size()))) {
      dropped |= std::bit_cast<std::uint32_t>(value) & 0xFFFFU;
    }
    if (dropped != 0) {
      return false;
    }
    values = values.subspan(std::min(at_once, values.size()));
  }
  return true;
}

std::vector<std::uint16_t> upper_halves(std::span<const float> values) {
  std::vector<std::uint16_t> halves(values.size());
  std::ranges::transform(values, halves.begin(), [](float value) {
    return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16);
  });
  return halves;
}

/// Byte `place` of each float, counted from the highest.
void take_plane(std::span<const float> values, std::size_t place, std::byte* plane) {
  for (const float value : values) {
    *plane++ = static_cast<std::byte>(std::bit_cast<std::uint32_t>(value) >> (24 - 8 * place));
  }
}

void put_plane(const std::byte* plane, std::size_t place, std::span<std::uint32_t> bits) {
  for (auto& value : bits) {
    value |= std::to_integer<std::uint32_t>(*plane++) << (24 - 8 * place);
  }
}

std::shared_ptr<float> room_for(std::size_t count) {
  return {new float[count], std::default_delete<float[]>()};
}

/// False if they cannot be what Floats::packed() has made.
bool unpack(std::span<const std::byte> packed, std::size_t compressed, std::size_t width,
            std::span<float> values) {
  const std::size_t count = values.size();
  if (count == 0 || compressed > packed.size() ||
      packed.size() - compressed != (width - 1) * count) {
    return false;
  }
  std::vector<std::byte> highest(count);
  if (ZSTD_decompress(highest.data(), count, packed.data(), compressed) != count) {
    return false;
  }
  std::vector<std::uint32_t> bits(count);
  put_plane(highest.data(), 0, bits);
  for (std::size_t place = 1; place < width; ++place) {
    put_plane(packed.data() + compressed + (place - 1) * count, place, bits);
  }
  std::memcpy(values.data(), bits.data(), count * sizeof(float));
  return true;
}

}  // namespace

Floats::Floats(std::shared_ptr<const float> values, std::size_t count)
    : values_(std::move(values)), count_(count), are_halves_(are_halves(span())) {}

Floats Floats::packed() const {
  std::vector<std::byte> highest(count_);
  take_plane(span(), 0, highest.data());
  auto all =
      std::make_shared<std::vector<std::byte>>(ZSTD_compressBound(count_) + (width() - 1) * count_);
  constexpr int fastest = 1;
  const std::size_t compressed =
      ZSTD_compress(all->data(), ZSTD_compressBound(count_), highest.data(), count_, fastest);
  if (ZSTD_isError(compressed) != 0 || compressed >= count_) {
    return *this;
  }
  for (std::size_t place = 1; place < width(); ++place) {
    take_plane(span(), place, all->data() + compressed + (place - 1) * count_);
  }
  all->resize(compressed + (width() - 1) * count_);
  Floats result = *this;
  result.packed_ = std::move(all);
  return result;
}

caf::error inspect(caf::serializer& sink, Floats& floats) {
  auto form = static_cast<std::uint8_t>((floats.are_halves_ ? halves_flag : 0) |
                                        (floats.packed_ ? packed_flag : 0));
  auto count = static_cast<std::uint32_t>(floats.count_);
  if (auto error = sink(form, count)) {
    return error;
  }
  // CAF only reads what it saves.
  if (floats.packed_) {
    auto compressed =
        static_cast<std::uint32_t>(floats.packed_->size() - (floats.width() - 1) * floats.count_);
    if (auto error = sink(compressed)) {
      return error;
    }
    return sink.apply_raw(floats.packed_->size(), const_cast<std::byte*>(floats.packed_->data()));
  }
  if (floats.are_halves_) {
    auto halves = upper_halves(floats.span());
    return sink.apply_raw(halves.size() * sizeof(std::uint16_t), halves.data());
  }
  return sink.apply_raw(count * sizeof(float), const_cast<float*>(floats.values_.get()));
}

caf::error inspect(caf::deserializer& source, Floats& floats) {
  std::uint8_t form = 0;
  std::uint32_t count = 0;
  std::uint32_t compressed = 0;
  if (auto error = source(form, count)) {
    return error;
  }
  const bool is_packed = (form & packed_flag) != 0;
  if (is_packed) {
    if (auto error = source(compressed)) {
      return error;
    }
  }
  if (count > Floats::most || compressed > Floats::most || form > (halves_flag | packed_flag)) {
    return caf::sec::invalid_argument;
  }
  Floats result;
  result.count_ = count;
  result.are_halves_ = (form & halves_flag) != 0;
  const std::size_t bytes =
      is_packed ? compressed + (result.width() - 1) * count : result.width() * count;
  if (auto error = check_length(source, bytes)) {
    return error;
  }
  const auto values = room_for(count);
  if (is_packed) {
    std::vector<std::byte> packed(bytes);
    if (auto error = source.apply_raw(bytes, packed.data())) {
      return error;
    }
    if (!unpack(packed, compressed, result.width(), {values.get(), count})) {
      return caf::sec::invalid_argument;
    }
  } else if (result.are_halves_) {
    std::vector<std::uint16_t> halves(count);
    if (auto error = source.apply_raw(bytes, halves.data())) {
      return error;
    }
    std::ranges::transform(halves, values.get(), [](std::uint16_t half) {
      return std::bit_cast<float>(std::uint32_t{half} << 16);
    });
  } else if (auto error = source.apply_raw(bytes, values.get())) {
    return error;
  }
  result.values_ = values;
  floats = std::move(result);
  return caf::none;
}

}  // namespace nodezero::runtime::crossing
