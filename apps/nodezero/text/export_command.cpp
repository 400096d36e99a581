// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/text/export_command.hpp"

#include <filesystem>

#include <fmt/format.h>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/terminal/quantities.hpp"
#include "apps/nodezero/text/model_source.hpp"
#include "model/interchange/gguf_model.hpp"
#include "model/interchange/safetensors_model.hpp"
#include "model/kernels/floating_point_scope.hpp"

namespace nodezero::apps {

namespace {

model::NumberForm form_of(const std::string& type) {
  constexpr std::pair<std::string_view, model::NumberForm> all[] = {
      {"f32", model::NumberForm::f32},
      {"f16", model::NumberForm::f16},
      {"bf16", model::NumberForm::bf16},
      {"q8_0", model::NumberForm::q8_0},
  };
  for (const auto& [name, form] : all) {
    if (name == type) {
      return form;
    }
  }
  throw CommandError(exit_bad_input,
                     fmt::format("--type must be f32, f16, bf16 or q8_0, not '{}'", type));
}

/// "out/demo" as "demo", for the name of a model.
std::string last_part(const std::string& path) {
  const auto whole = std::filesystem::absolute(path).lexically_normal();
  return whole.has_filename() ? whole.filename().string() : whole.parent_path().filename().string();
}

void export_as_gguf(const ModelExportOptions& options, const model::ModelFolder& model,
                    model::NumberForm form) {
  const auto remark =
      unwrap(model::export_gguf(options.out, model, form, last_part(options.model)));
  if (!remark.empty()) {
    fmt::print(stderr, "note: {}\n", remark);
  }
  fmt::print("{}: {} in {}\n", options.out, bytes_text(std::filesystem::file_size(options.out)),
             options.type);
}

void export_as_folder(const ModelExportOptions& options, const model::ModelFolder& model,
                      model::NumberForm form) {
  if (form == model::NumberForm::q8_0) {
    throw CommandError(exit_bad_input,
                       "--type q8_0 is for --format gguf: choose f32, f16 or bf16, or that format");
  }
  const std::filesystem::path out = options.out;
  if (std::filesystem::exists(out / "run.json")) {
    throw CommandError(
        exit_bad_input,
        fmt::format("'{}' is the folder of a run: choose another --out", options.out));
  }
  const auto companions =
      std::filesystem::is_directory(options.model)
          ? unwrap(model::companions_in(options.model))
          : model::companions_of(
                model.config,
                model.tokenizer.value_or(model::Tokenizer::none(model.config.vocabulary)));
  unwrap(model::export_safetensors(out, model, companions, form));
  fmt::print("{}: {} in {}\n", options.out,
             bytes_text(std::filesystem::file_size(out / model::weights_file)), options.type);
}

}  // namespace

void export_command(const ModelExportOptions& options) {
  const auto form = form_of(options.type);
  if (options.format != "gguf" && options.format != "safetensors") {
    throw CommandError(exit_bad_input, fmt::format("--format must be gguf or safetensors, not '{}'",
                                                   options.format));
  }
  if (!options.force && std::filesystem::exists(options.out)) {
    throw CommandError(
        exit_bad_input,
        fmt::format("'{}' exists: give --force to overwrite it, or another --out", options.out));
  }
  const auto model = open_model(options.model);
  const model::FloatingPointScope floating_point;
  options.format == "gguf" ? export_as_gguf(options, model, form)
                           : export_as_folder(options, model, form);
}

}  // namespace nodezero::apps
