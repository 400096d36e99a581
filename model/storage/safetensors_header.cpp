// SPDX-License-Identifier: BSD-3-Clause

// The head of a safetensors file: 8 bytes with the length of a JSON object, low byte first,
// the object, then the numbers. The format forbids holes, so a file that lost its end, or
// whose header is damaged, is recognised by its sizes alone.
#include "model/storage/safetensors_header.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "formats/bounded_json.hpp"
#include "model/tensors/shape.hpp"

namespace nodezero::model {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t length_bytes = 8;
/// The format's own limit.
constexpr std::uint64_t max_header_bytes = 100'000'000;

tl::unexpected<Error> malformed(const std::filesystem::path& path, const std::string& what) {
  return fail(ErrorCode::malformed, fmt::format("{}: {}; it is damaged or not a safetensors file, "
                                                "so copy or save it again",
                                                path.string(), what));
}

/// A list of numbers that are whole, not negative and fit into 63 bits.
std::optional<std::vector<std::int64_t>> whole_numbers(const Json& entry, const char* key) {
  const auto list = entry.find(key);
  if (list == entry.end() || !list->is_array()) {
    return std::nullopt;
  }
  std::vector<std::int64_t> numbers;
  for (const Json& number : *list) {
    if (!number.is_number_unsigned() ||
        number.get<std::uint64_t>() >
            static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      return std::nullopt;
    }
    numbers.push_back(number.get<std::int64_t>());
  }
  return numbers;
}

/// An entry of the header with its place relative to the numbers, or nothing if it makes no
/// sense by itself.
std::optional<StoredTensor> parse_entry(const Json& entry) {
  if (!entry.is_object() || !entry.contains("dtype") || !entry["dtype"].is_string()) {
    return std::nullopt;
  }
  auto shape = whole_numbers(entry, "shape");
  const auto offsets = whole_numbers(entry, "data_offsets");
  if (!shape || !offsets || offsets->size() != 2 || (*offsets)[0] > (*offsets)[1]) {
    return std::nullopt;
  }
  StoredTensor tensor;
  tensor.type = entry["dtype"].get<std::string>();
  tensor.begin = static_cast<std::uint64_t>((*offsets)[0]);
  tensor.bytes = static_cast<std::uint64_t>((*offsets)[1] - (*offsets)[0]);
  const auto count = count_values(*shape);
  const std::uint64_t size = bytes_per_number(tensor.type);
  if (!count || (size != 0 && *count * size != tensor.bytes)) {
    return std::nullopt;
  }
  tensor.shape = std::move(*shape);
  return tensor;
}

/// Whether the tensors, one behind the other, fill [0, size) exactly.
bool fill_exactly(const std::map<std::string, StoredTensor>& tensors, std::uint64_t size) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> pieces;
  for (const auto& [name, tensor] : tensors) {
    pieces.emplace_back(tensor.begin, tensor.bytes);
  }
  std::ranges::sort(pieces);
  std::uint64_t end = 0;
  for (const auto& [begin, bytes] : pieces) {
    if (begin != end || bytes > size - end) {
      return false;
    }
    end += bytes;
  }
  return end == size;
}

}  // namespace

std::uint64_t bytes_per_number(const std::string& type) {
  static const std::map<std::string, std::uint64_t> sizes{
      {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"U16", 2}, {"I16", 2}, {"F16", 2}, {"BF16", 2},
      {"U32", 4},  {"I32", 4}, {"F32", 4}, {"U64", 8}, {"I64", 8}, {"F64", 8}};
  const auto found = sizes.find(type);
  return found == sizes.end() ? 0 : found->second;
}

Result<std::map<std::string, StoredTensor>> read_safetensors_header(const InputFile& file) {
  const auto& path = file.path();
  if (file.size() < length_bytes) {
    return malformed(path, fmt::format("has {} bytes, too few for a header", file.size()));
  }
  std::array<std::byte, length_bytes> length_field{};
  if (auto read = file.read(0, length_field); !read) {
    return tl::unexpected(read.error());
  }
  std::uint64_t length = 0;
  for (std::size_t i = length_bytes; i-- > 0;) {
    length = length << 8 | std::to_integer<std::uint64_t>(length_field[i]);
  }
  if (length > max_header_bytes || length > file.size() - length_bytes) {
    return malformed(
        path, fmt::format("announces a header of {} bytes in a file of {}", length, file.size()));
  }
  std::string header(length, '\0');
  if (auto read = file.read(length_bytes, std::as_writable_bytes(std::span(header))); !read) {
    return tl::unexpected(read.error());
  }
  const Json json = formats::read_json(header).value_or(Json());
  if (!json.is_object()) {
    return malformed(path, "has a header that is not a JSON object");
  }
  std::map<std::string, StoredTensor> tensors;
  for (const auto& [name, entry] : json.items()) {
    if (name == "__metadata__") {
      continue;
    }
    auto tensor = parse_entry(entry);
    if (!tensor) {
      return malformed(path, fmt::format("has a malformed entry for tensor {}", Json(name).dump()));
    }
    tensors.emplace(name, std::move(*tensor));
  }
  const std::uint64_t data_begin = length_bytes + length;
  if (!fill_exactly(tensors, file.size() - data_begin)) {
    return malformed(
        path, fmt::format("has {} bytes, which is not what its tensors add up to", file.size()));
  }
  for (auto& [name, tensor] : tensors) {
    tensor.begin += data_begin;
  }
  return tensors;
}

}  // namespace nodezero::model
