// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>

#include "model/storage/companions.hpp"
#include "model/storage/model_folder.hpp"
#include "model/storage/number_forms.hpp"
#include "nodezero/error.hpp"

namespace nodezero::model {

/// Writes a model as a folder that Hugging Face's library reads, with all numbers in `form`, f32,
/// f16 or bf16, which config.json names as its dtype. Fails with io.
Result<void> export_safetensors(const std::filesystem::path& folder, const ModelFolder& model,
                                const Companions& companions, NumberForm form);

}  // namespace nodezero::model
