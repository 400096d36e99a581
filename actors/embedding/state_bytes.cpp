// SPDX-License-Identifier: BSD-3-Clause
#include "actors/embedding/state_bytes.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "model/files/sha256.hpp"
#include "model/storage/progress_json.hpp"

namespace nodezero::actors {
namespace {

static_assert(std::endian::native == std::endian::little);

using Json = nlohmann::json;

constexpr std::string_view magic = "NODEZERO";
constexpr std::uint32_t format = 1;
constexpr std::size_t fixed_size = 16;
constexpr std::size_t sum_size = 64;  ///< hexadecimal digits

void append(std::vector<std::byte>& out, std::span<const std::byte> bytes) {
  const std::size_t before = out.size();
  out.resize(before + bytes.size());
  std::memcpy(out.data() + before, bytes.data(), bytes.size());
}

void append(std::vector<std::byte>& out, const model::TensorSet& set) {
  for (const auto& tensor : set.layout()->tensors()) {
    append(out, std::as_bytes(set[tensor]));
  }
}

std::string sum_of(std::span<const std::byte> bytes) {
  model::Sha256 sum;
  sum.update(bytes);
  return sum.finish();
}

Json tensors_to_json(const model::TensorLayout& layout) {
  Json tensors = Json::array();
  for (const auto& tensor : layout.tensors()) {
    tensors.push_back({tensor.name, tensor.shape});
  }
  return tensors;
}

std::string header_of(const model::TensorLayout& layout, const model::StoredProgress& progress) {
  const Json header{{"tensors", tensors_to_json(layout)},
                    {"progress", model::progress_to_json(progress)}};
  return header.dump();
}

void fill(model::TensorSet& set, std::span<const std::byte>& rest) {
  for (const auto& tensor : set.layout()->tensors()) {
    const auto values = set[tensor];
    std::memcpy(values.data(), rest.data(), values.size_bytes());
    rest = rest.subspan(values.size_bytes());
  }
}

}  // namespace

std::vector<std::byte> checkpoint_to_bytes(const model::Checkpoint& checkpoint) {
  const auto& layout = *checkpoint.weights->layout();
  std::string text = header_of(layout, {checkpoint.progress, checkpoint.optimizer->step});
  text.resize(header_of(layout, model::longest_progress()).size(), ' ');
  std::vector<std::byte> bytes;
  bytes.reserve(fixed_size + text.size() + 3 * sizeof(float) * layout.parameter_count() + sum_size);
  append(bytes, std::as_bytes(std::span(magic)));
  const std::uint32_t numbers[] = {format, static_cast<std::uint32_t>(text.size())};
  append(bytes, std::as_bytes(std::span(numbers)));
  append(bytes, std::as_bytes(std::span(text)));
  append(bytes, *checkpoint.weights);
  append(bytes, checkpoint.optimizer->first_moment);
  append(bytes, checkpoint.optimizer->second_moment);
  const std::string sum = sum_of(bytes);
  append(bytes, std::as_bytes(std::span(sum)));
  return bytes;
}

Result<model::Checkpoint> checkpoint_from_bytes(
    std::span<const std::byte> bytes, const std::shared_ptr<const model::TensorLayout>& layout) {
  const auto malformed = [](std::string what) {
    return fail(ErrorCode::malformed, "this is no saved state: " + std::move(what));
  };
  if (bytes.size() < fixed_size + sum_size ||
      std::memcmp(bytes.data(), magic.data(), magic.size()) != 0) {
    return malformed("it does not begin as one");
  }
  const auto content = bytes.first(bytes.size() - sum_size);
  const std::string sum = sum_of(content);
  if (std::memcmp(bytes.data() + content.size(), sum.data(), sum_size) != 0) {
    return malformed("its checksum differs");
  }
  std::uint32_t numbers[2];
  std::memcpy(numbers, content.data() + magic.size(), sizeof numbers);
  const auto [version, length] = numbers;
  if (version != format || content.size() - fixed_size < length) {
    return malformed("its format is " + std::to_string(version));
  }
  const auto* text = reinterpret_cast<const char*>(content.data() + fixed_size);
  const Json header = Json::parse(text, text + length, nullptr, false);
  if (!header.is_object() || !header.contains("tensors") || !header.contains("progress") ||
      !header["progress"].is_string()) {
    return malformed("its header is damaged");
  }
  auto rest = content.subspan(fixed_size + length);
  if (header["tensors"] != tensors_to_json(*layout) ||
      rest.size() != 3 * sizeof(float) * layout->parameter_count()) {
    return fail(ErrorCode::wrong_shape, "the state is of a model with other tensors");
  }
  const auto stored = model::progress_from_json(header["progress"].get_ref<const std::string&>());
  if (!stored) {
    return malformed(stored.error().message);
  }
  auto weights = std::make_shared<model::Parameters>(layout);
  auto optimizer = std::make_shared<model::OptimizerState>(layout);
  fill(*weights, rest);
  fill(optimizer->first_moment, rest);
  fill(optimizer->second_moment, rest);
  optimizer->step = stored->optimizer_step;
  model::Checkpoint checkpoint;
  checkpoint.progress = stored->progress;
  checkpoint.weights = std::move(weights);
  checkpoint.optimizer = std::move(optimizer);
  return checkpoint;
}

}  // namespace nodezero::actors
