// SPDX-License-Identifier: BSD-3-Clause
#include <nlohmann/json.hpp>

#include "model/files/atomic_file.hpp"
#include "model/interchange/safetensors_model.hpp"
#include "model/storage/safetensors.hpp"

namespace nodezero::model {
namespace {

const char* dtype_of(NumberForm form) {
  return form == NumberForm::f32 ? "float32" : form == NumberForm::f16 ? "float16" : "bfloat16";
}

}  // namespace

Result<void> export_safetensors(const std::filesystem::path& folder, const ModelFolder& model,
                                const Companions& companions, NumberForm form) {
  const auto earlier = companions.find(config_file);
  auto config = nlohmann::ordered_json::parse(config_to_json(
      model.config, earlier == companions.end() ? std::string_view() : earlier->second));
  config["dtype"] = config["torch_dtype"] = dtype_of(form);
  return create_folder(folder)
      .and_then([&] { return write_companions(folder, model.config, companions); })
      .and_then([&] { return write_file_atomically(folder / config_file, config.dump(2) + "\n"); })
      .and_then([&] {
        return replace_file_atomically(folder / weights_file, [&](const auto& temporary) {
          return write_safetensors(temporary, {{"", model.weights.get()}}, form);
        });
      });
}

}  // namespace nodezero::model
