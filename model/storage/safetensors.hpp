// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "model/storage/number_forms.hpp"
#include "model/tensors/tensor_set.hpp"
#include "nodezero/error.hpp"

namespace nodezero::model {

/// Writes sets side by side into one safetensors file, each tensor's name behind its
/// set's prefix, in name order and in `form`, f32, f16 or bf16, and syncs it. Not atomic by itself;
/// see atomic_file.hpp. Fails with io and then leaves no file behind.
Result<void> write_safetensors(const std::filesystem::path& path,
                               const std::map<std::string, const TensorSet*>& sets_by_prefix,
                               NumberForm form = NumberForm::f32);

/// Fills `set` from the tensors of the file whose names begin with `prefix`. Names may have or
/// lack "transformer." behind it; where the output is tied, lm_head.weight is accepted if it equals
/// the token embedding; attention masks that old files hold are passed over. F32, F16 and BF16 are
/// read. Fails with malformed, naming the tensor and both shapes, if one is missing, superfluous or
/// of the wrong shape; with malformed if the file is not whole; not_found or io.
/// After a failure the values of `set` are unspecified.
Result<void> read_safetensors(const std::filesystem::path& path, const std::string& prefix,
                              TensorSet& set);

/// The same from several files, which together hold each tensor once.
Result<void> read_safetensors(std::span<const std::filesystem::path> paths,
                              const std::string& prefix, TensorSet& set);

}  // namespace nodezero::model
