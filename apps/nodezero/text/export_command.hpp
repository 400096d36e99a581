// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

namespace nodezero::apps {

struct ModelExportOptions {
  std::string model;
  std::string format = "gguf";  ///< or safetensors
  std::string type = "f32";     ///< f32, f16, bf16 or, for gguf, q8_0
  std::string out;
  bool force = false;  ///< whether what is there is overwritten
};

/// Writes a model as a file or folder of another program.
/// @throws CommandError
void export_command(const ModelExportOptions& options);

}  // namespace nodezero::apps
