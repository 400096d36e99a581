// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <string>

#include "model/storage/model_folder.hpp"
#include "model/storage/number_forms.hpp"
#include "nodezero/error.hpp"

namespace nodezero::model {

/// Writes a model with its tokenizer as a GGUF file that llama.cpp runs, atomically. `form` is that
/// of the matrices; vectors and positions are f32, and so is or of f16 the token embedding where a
/// token had to be added to it (end_token.hpp). Returns a line about the end token where the model
/// has none and none could be added that is never taken; else an empty one. Fails with
/// invalid_argument if the model has no tokenizer or its width is not whole blocks, or with io.
Result<std::string> export_gguf(const std::filesystem::path& path, const ModelFolder& model,
                                NumberForm form, const std::string& name);

/// Reads a GPT-2 from a GGUF file, whoever has written it. Fails with not_found, io or malformed,
/// naming the file and the key or tensor that cannot be run.
Result<ModelFolder> load_gguf(const std::filesystem::path& path);

}  // namespace nodezero::model
