// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "model/gpt2/model_config.hpp"
#include "model/storage/companions.hpp"
#include "model/tensors/tensor_set.hpp"
#include "model/text/tokenizer.hpp"
#include "nodezero/error.hpp"

namespace nodezero::model {

/// Names of the files in a model folder.
inline constexpr const char* config_file = "config.json";
inline constexpr const char* weights_file = "model.safetensors";
inline constexpr const char* tokenizer_file = "tokenizer.json";
inline constexpr const char* checksums_file = "checksums.json";

/// A model as Hugging Face's GPT-2 is saved: model.safetensors or its shards, config.json and,
/// where text is meant, tokenizer.json.
struct ModelFolder {
  ModelConfig config;
  std::shared_ptr<const Parameters> weights;
  std::optional<Tokenizer> tokenizer;
  std::string tokenizer_problem = {};  ///< why that is Tokenizer::none although there is one
};

/// Fails with one line that names the file, and the tensor where it is one's fault, also if weights
/// are not finite or not those that checksums.json, where there is one, has the sum of. A tokenizer
/// with merges that are not GPT-2's kind cannot be run: the model then has Tokenizer::none and
/// works on token files.
Result<ModelFolder> load_model_folder(const std::filesystem::path& folder);

/// Writes the companions, the weights and checksums.json, each synced and renamed into place, the
/// weights last: a folder that has them is whole. Companions of an earlier model are removed.
Result<void> save_model_folder(const std::filesystem::path& folder, const ModelConfig& config,
                               const Parameters& weights, const Companions& companions);

/// Nothing can be done with weights that are not numbers, and they spread to all that is computed
/// with them. Fails with malformed, naming the file that they were read from and the tensor.
Result<void> check_finite(const Parameters& weights, const std::filesystem::path& path);

/// config.json as Hugging Face's library writes it for a GPT-2, with the special tokens' ids of an
/// earlier config.json, where that has any.
std::string config_to_json(const ModelConfig& config, std::string_view earlier = {});
/// Fails with malformed, naming the key that is missing or asks for what cannot be run.
Result<ModelConfig> config_from_json(std::string_view json);

/// Reads config.json and the weights that belong to it from a folder.
struct ConfigAndWeights {
  ModelConfig config;
  std::shared_ptr<const Parameters> weights;
};
Result<ConfigAndWeights> load_weights(const std::filesystem::path& folder);

}  // namespace nodezero::model
