// SPDX-License-Identifier: BSD-3-Clause
#include "actors/embedding/state_bytes.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "formats/bounded_json.hpp"
#include "model/files/sha256.hpp"
#include "model/kernels/arithmetic.hpp"
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

struct Steps {
  std::uint64_t micro_batches = ~std::uint64_t{0};
  std::uint64_t steps_in_epoch = ~std::uint64_t{0};
};

std::string header_of(const model::TensorLayout& layout, const model::StoredProgress& progress,
                      const Steps& steps) {
  const Json header{{"arithmetic", model::arithmetic_version},
                    {"tensors", tensors_to_json(layout)},
                    {"progress", model::progress_to_json(progress)},
                    {"micro_batches", steps.micro_batches},
                    {"steps_in_epoch", steps.steps_in_epoch}};
  return header.dump();
}

/// The arithmetic of states that do not say which.
constexpr int first_arithmetic = 1;

/// Why a state with this header cannot go on with these options. States of the first version do
/// not say what their steps were made of.
std::optional<Error> refusal(const Json& header, const model::TrainingProgress& progress,
                             const TrainerOptions& options) {
  const auto differs = [&](const char* name, std::uint64_t ours) -> std::optional<Error> {
    const Json saved = header.value(name, Json(ours));
    if (saved == ours) {
      return std::nullopt;
    }
    return Error{ErrorCode::invalid_argument, fmt::format("the state was saved with {} {} and this "
                                                          "trainer has {}",
                                                          name, saved.dump(), ours)};
  };
  if (const Json saved = header.value("arithmetic", Json(first_arithmetic));
      saved != model::arithmetic_version && !options.accept_other_arithmetic) {
    return Error{ErrorCode::invalid_argument,
                 fmt::format("the state was computed with version {} of the arithmetic and this "
                             "library has {}: its weights would end as those of no run from the "
                             "start; set accept_other_arithmetic if they may",
                             saved.dump(), model::arithmetic_version)};
  }
  if (auto error = differs("micro_batches", options.micro_batches)) {
    return error;
  }
  if (auto error = differs("steps_in_epoch", options.steps_in_epoch)) {
    return error;
  }
  if (progress.step_in_epoch >= options.steps_in_epoch) {
    return Error{ErrorCode::invalid_argument,
                 fmt::format("the state lies {} steps into an epoch and this trainer's have {}: "
                             "set steps_in_epoch to what it was",
                             progress.step_in_epoch, options.steps_in_epoch)};
  }
  return std::nullopt;
}

void fill(model::TensorSet& set, std::span<const std::byte>& rest) {
  for (const auto& tensor : set.layout()->tensors()) {
    const auto values = set[tensor];
    std::memcpy(values.data(), rest.data(), values.size_bytes());
    rest = rest.subspan(values.size_bytes());
  }
}

}  // namespace

std::vector<std::byte> checkpoint_to_bytes(const model::Checkpoint& checkpoint,
                                           const TrainerOptions& options) {
  const auto& layout = *checkpoint.weights->layout();
  std::string text = header_of(layout, {checkpoint.progress, checkpoint.optimizer->step},
                               {options.micro_batches, options.steps_in_epoch});
  text.resize(header_of(layout, model::longest_progress(), {}).size(), ' ');
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
    std::span<const std::byte> bytes, const std::shared_ptr<const model::TensorLayout>& layout,
    const TrainerOptions& options) {
  const auto malformed = [](std::string what) {
    return fail(ErrorCode::malformed, "not a saved state: " + std::move(what));
  };
  if (bytes.size() < fixed_size + sum_size ||
      std::memcmp(bytes.data(), magic.data(), magic.size()) != 0) {
    return malformed("wrong signature");
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
  const Json header = formats::read_json({text, length}).value_or(Json());
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
  if (auto error = refusal(header, stored->progress, options)) {
    return tl::unexpected<Error>(std::move(*error));
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
