#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "model/tensor_set.hpp"
#include "model/tokenizer.hpp"

namespace nodezero::model {

/// A model as Hugging Face's GPT-2 is saved: model.safetensors, config.json and, where
/// text is meant, tokenizer.json.
struct ModelFolder {
  ModelConfig config;
  std::shared_ptr<const Parameters> weights;
  std::optional<Tokenizer> tokenizer;
};

/// Fails with one line that names the file, and the tensor where it is one's fault.
Result<ModelFolder> load_model_folder(const std::filesystem::path& folder);

/// Writes the three files, each synced and renamed into place.
Result<void> save_model_folder(const std::filesystem::path& folder, const ModelConfig& config,
                               const Parameters& weights, const Tokenizer& tokenizer);

std::string config_to_json(const ModelConfig& config);
Result<ModelConfig> config_from_json(std::string_view json);

}  // namespace nodezero::model
