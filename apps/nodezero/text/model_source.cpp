// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/text/model_source.hpp"

#include <fmt/format.h>

#include "apps/nodezero/common.hpp"
#include "model/interchange/gguf_model.hpp"

namespace nodezero::apps {

model::ModelFolder open_model(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::is_regular_file(folder, error)) {
    return unwrap(model::load_gguf(folder));
  }
  if (std::filesystem::exists(folder / "run.json", error) &&
      !std::filesystem::exists(folder / "model.safetensors", error)) {
    throw CommandError(
        exit_bad_input,
        fmt::format("the run in '{}' has not saved a model yet: wait for its first checkpoint, or "
                    "set train --checkpoint-every",
                    folder.string()));
  }
  if (std::filesystem::is_directory(folder, error) &&
      !std::filesystem::exists(folder / "config.json", error)) {
    throw CommandError(
        exit_bad_input,
        fmt::format("'{}' is not a run or model folder: it has no config.json", folder.string()));
  }
  return unwrap(model::load_model_folder(folder));
}

const model::Tokenizer& text_tokenizer(const model::ModelFolder& model,
                                       const std::filesystem::path& folder) {
  if (!model.tokenizer || model.tokenizer->kind() == model::Tokenizer::Kind::none) {
    throw CommandError(
        exit_bad_input,
        model.tokenizer_problem.empty()
            ? fmt::format("the model in '{}' has no tokenizer, so it cannot handle text: put its "
                          "tokenizer.json there, or use a model that was trained on text",
                          folder.string())
            : model.tokenizer_problem);
  }
  return *model.tokenizer;
}

}  // namespace nodezero::apps
