// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <vector>

#include "nodezero/error.hpp"

namespace nodezero::model {

/// The safetensors files with the weights of a model folder: model.safetensors, or the shards that
/// model.safetensors.index.json lists. Fails with not_found, naming the file that is missing and
/// what to do where there are only weights in PyTorch's own form, or with malformed.
Result<std::vector<std::filesystem::path>> weight_files(const std::filesystem::path& folder);

}  // namespace nodezero::model
