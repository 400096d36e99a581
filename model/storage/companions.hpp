// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "model/gpt2/model_config.hpp"
#include "nodezero/error.hpp"

namespace nodezero::model {

class Tokenizer;

/// The files of a model folder beside the weights, by name: config.json, the tokenizer's files and
/// generation_config.json. They are written as they are, so that a model that came from elsewhere
/// keeps its own; only in config.json the sizes become those of the model.
using Companions = std::map<std::string, std::string>;

/// The names that companions may have.
std::span<const char* const> companion_names();

/// Those of a new model. Without text (Tokenizer::none) there is no tokenizer among them.
Companions companions_of(const ModelConfig& config, const Tokenizer& tokenizer);

/// Those in a folder; missing ones are left out, except for a tokenizer_config.json: without it
/// Hugging Face's AutoTokenizer misreads a tokenizer.json. Fails with io.
Result<Companions> companions_in(const std::filesystem::path& folder);

/// Writes companions into a folder, each synced and renamed into place, and removes those that an
/// earlier model has left there. Fails with io.
Result<void> write_companions(const std::filesystem::path& folder, const ModelConfig& config,
                              const Companions& companions);

}  // namespace nodezero::model
