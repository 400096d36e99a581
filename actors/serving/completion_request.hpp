// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "actors/inference_policy.hpp"
#include "actors/serving/api_error.hpp"
#include "actors/serving/served_model.hpp"
#include "model/gpt2/generation.hpp"

namespace nodezero::actors {

/// What POST /v1/completions asks for.
struct CompletionRequest {
  std::string model;
  std::vector<std::vector<std::int32_t>> prompts;
  std::int64_t tokens = 16;
  std::size_t choices = 1;  ///< for each prompt
  /// Choice c of prompt p draws with seed + p * choices + c.
  model::SamplingOptions sampling{.temperature = 1.0};
  std::vector<std::string> stops;
  std::vector<std::pair<std::int32_t, float>> bias;
  std::optional<std::int32_t> log_probabilities;  ///< and how many of the likeliest tokens
  bool echo = false;
  bool stream = false;
  bool include_usage = false;
  std::optional<InferencePolicy> policy;
  std::optional<std::chrono::milliseconds> timeout;  ///< after which the answer ends as it is
};

/// Reads the body. What is not known, or asks for what is not done, is refused by its name.
/// `random_seed` is taken if the body has none.
tl::expected<CompletionRequest, ApiError> read_completion_request(std::string_view body,
                                                                  const ServedModel& model,
                                                                  const ServingOptions& options,
                                                                  std::uint32_t random_seed);

}  // namespace nodezero::actors
