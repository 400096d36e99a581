// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/text/export_command.hpp"

#include <filesystem>

#include <fmt/format.h>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/terminal/quantities.hpp"
#include "apps/nodezero/text/model_source.hpp"
#include "model/interchange/gguf_model.hpp"
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

}  // namespace

void export_command(const ExportOptions& options) {
  const auto form = form_of(options.type);
  if (options.format != "gguf") {
    throw CommandError(exit_bad_input,
                       fmt::format("--format must be gguf, not '{}'", options.format));
  }
  const std::filesystem::path out = options.out;
  std::error_code error;
  if (!options.force && std::filesystem::exists(out, error)) {
    throw CommandError(
        exit_bad_input,
        fmt::format("'{}' exists: give --force to overwrite it, or another --out", options.out));
  }
  const auto model = open_model(options.model);
  const auto name = std::filesystem::absolute(options.model).lexically_normal();
  const model::FloatingPointScope floating_point;
  const auto remark = unwrap(model::export_gguf(
      out, model, form,
      name.has_filename() ? name.filename().string() : name.parent_path().filename().string()));
  if (!remark.empty()) {
    fmt::print(stderr, "note: {}\n", remark);
  }
  fmt::print("{}: {} in {}\n", options.out, bytes_text(std::filesystem::file_size(out, error)),
             options.type);
}

}  // namespace nodezero::apps
