// SPDX-License-Identifier: BSD-3-Clause
#include "model/storage/model_folder.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "formats/bounded_json.hpp"
#include "model/files/atomic_file.hpp"
#include "model/files/input_file.hpp"
#include "model/files/sha256.hpp"
#include "model/gpt2/gpt2_layout.hpp"
#include "model/storage/safetensors.hpp"
#include "model/storage/weight_files.hpp"
#include "model/text/tokenizer_files.hpp"

namespace nodezero::model {
namespace {

/// The same error, its line beginning with the file's folder where it names the file alone.
tl::unexpected<Error> in_folder(const std::filesystem::path& folder, Error error) {
  error.message = (folder / error.message).string();
  return tl::unexpected(std::move(error));
}

/// Weights of a configuration need at least 2 bytes each. Compared before anything is
/// allocated, because a damaged configuration may ask for more than any machine has. In
/// double, which cannot overflow.
Result<void> check_size(const ModelConfig& config, std::span<const std::filesystem::path> paths) {
  std::uint64_t bytes = 0;
  for (const auto& path : paths) {
    const auto file = InputFile::open(path);
    if (!file) {
      return tl::unexpected(file.error());
    }
    bytes += file->size();
  }
  const double parameters = config.parameters();
  if (parameters * 2 > static_cast<double>(bytes)) {
    return fail(
        ErrorCode::malformed,
        fmt::format("{}: has {} bytes, too few for the {:.0f} parameters of {}; check that the "
                    "two belong together and that the file is whole",
                    paths.front().string(), bytes, parameters, config_file));
  }
  return {};
}

/// Whether a tokenizer.json describes tokens of several characters.
bool has_merges(const std::filesystem::path& path) {
  const auto text = read_file(path);
  const auto json = text ? formats::read_json(*text).value_or(nlohmann::json()) : nlohmann::json();
  const auto model = json.is_object() ? json.value("model", nlohmann::json()) : nlohmann::json();
  return model.is_object() && !model.value("merges", nlohmann::json()).empty();
}

Result<void> load_tokenizer(const std::filesystem::path& folder, ModelFolder& model) {
  auto tokenizer = tokenizer_in(folder);
  if (!tokenizer && has_merges(folder / tokenizer_file)) {
    model.tokenizer = Tokenizer::none(model.config.vocabulary);
    model.tokenizer_problem = tokenizer.error().message;
    return {};
  }
  if (!tokenizer) {
    return tl::unexpected(tokenizer.error());
  }
  if (*tokenizer && (*tokenizer)->vocabulary() > model.config.vocabulary) {
    return fail(ErrorCode::malformed,
                fmt::format("{}: has {} tokens, but {} has a vocabulary of {}; check that the two "
                            "belong together",
                            (folder / tokenizer_file).string(), (*tokenizer)->vocabulary(),
                            config_file, model.config.vocabulary));
  }
  model.tokenizer = std::move(*tokenizer);
  return {};
}

/// checksums.json is written before the weights that it is about are put in place, so it also has
/// the sum of those before: between the two moments they are what the folder holds.
constexpr const char* sum_before = "before";

nlohmann::json sums_in(const std::filesystem::path& folder) {
  const auto text = read_file(folder / checksums_file);
  return text ? formats::read_json(*text).value_or(nlohmann::json()) : nlohmann::json();
}

Result<void> write_sums(const std::filesystem::path& folder, const std::string& sum) {
  const auto earlier = sums_in(folder);
  nlohmann::ordered_json sums{{weights_file, sum}};
  if (earlier.is_object() && earlier.contains(weights_file)) {
    sums[sum_before] = earlier[weights_file];
  }
  return write_file_atomically(folder / checksums_file, sums.dump(2) + "\n");
}

/// Compares the weights with their sum, if somebody has written one.
Result<void> check_sum(const std::filesystem::path& folder) {
  const auto sums = sums_in(folder);
  std::error_code error;
  if (!sums.is_object() || !sums.contains(weights_file) ||
      !std::filesystem::exists(folder / weights_file, error)) {
    return {};
  }
  const auto sum = sha256_of_file(folder / weights_file);
  if (!sum) {
    return tl::unexpected(sum.error());
  }
  if (*sum == sums[weights_file] || (sums.contains(sum_before) && *sum == sums[sum_before])) {
    return {};
  }
  return fail(
      ErrorCode::malformed,
      fmt::format("{}: damaged, its SHA-256 is not the one in {}; copy or save it again, or "
                  "remove {} if another program has changed the weights on purpose",
                  (folder / weights_file).string(), checksums_file, checksums_file));
}

}  // namespace

Result<void> check_finite(const Parameters& weights, const std::filesystem::path& path) {
  for (const TensorInfo& tensor : weights.layout()->tensors()) {
    if (!std::ranges::all_of(weights[tensor], [](float number) { return std::isfinite(number); })) {
      return fail(ErrorCode::malformed,
                  fmt::format("{}: tensor {} holds numbers that are infinite or not a number; the "
                              "file is damaged or its training diverged, so take an earlier one",
                              path.string(), tensor.name));
    }
  }
  return {};
}

Result<ConfigAndWeights> load_weights(const std::filesystem::path& folder) {
  const auto text = read_file(folder / config_file);
  if (!text) {
    return tl::unexpected(text.error());
  }
  const auto config = config_from_json(*text);
  if (!config) {
    return in_folder(folder, config.error());
  }
  const auto files = weight_files(folder);
  if (!files) {
    return tl::unexpected(files.error());
  }
  if (auto checked = check_size(*config, *files); !checked) {
    return tl::unexpected(checked.error());
  }
  auto weights = std::make_shared<Parameters>(gpt2_layout(*config));
  if (auto read = read_safetensors(*files, "", *weights); !read) {
    return tl::unexpected(read.error());
  }
  if (auto finite = check_finite(*weights, files->front()); !finite) {
    return tl::unexpected(finite.error());
  }
  return ConfigAndWeights{*config, std::move(weights)};
}

Result<ModelFolder> load_model_folder(const std::filesystem::path& folder) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    return fail(ErrorCode::not_found, fmt::format("{}: no such folder; name one with {} and {}",
                                                  folder.string(), config_file, weights_file));
  }
  if (auto checked = check_sum(folder); !checked) {
    return tl::unexpected(checked.error());
  }
  auto loaded = load_weights(folder);
  if (!loaded) {
    return tl::unexpected(loaded.error());
  }
  ModelFolder model{loaded->config, std::move(loaded->weights), {}};
  if (auto read = load_tokenizer(folder, model); !read) {
    return tl::unexpected(read.error());
  }
  return model;
}

Result<void> save_model_folder(const std::filesystem::path& folder, const ModelConfig& config,
                               const Parameters& weights, const Companions& companions) {
  if (auto created = create_folder(folder); !created) {
    return created;
  }
  if (auto written = write_companions(folder, config, companions); !written) {
    return written;
  }
  return replace_file_atomically(folder / weights_file, [&](const auto& temporary) {
    return write_safetensors(temporary, {{"", &weights}})
        .and_then([&] { return sha256_of_file(temporary); })
        .and_then([&](const std::string& sum) { return write_sums(folder, sum); });
  });
}

}  // namespace nodezero::model
