// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>

#include "model/storage/model_folder.hpp"

namespace nodezero::apps {

/// The model in a run folder (its last saved version), in any folder to which the Hugging Face
/// library has written a GPT-2, or in a GGUF file.
/// @throws CommandError that says what is wrong with the folder
model::ModelFolder open_model(const std::filesystem::path& folder);

/// The model's tokenizer, for commands that need text.
/// @throws CommandError if the model has none
const model::Tokenizer& text_tokenizer(const model::ModelFolder& model,
                                       const std::filesystem::path& folder);

}  // namespace nodezero::apps
