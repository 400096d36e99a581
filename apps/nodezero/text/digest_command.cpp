// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/text/digest_command.hpp"

#include <cstdio>

#include <fmt/format.h>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/text/model_source.hpp"
#include "formats/printable_text.hpp"
#include "model/storage/checkpoint.hpp"
#include "model/storage/checkpoint_files.hpp"
#include "model/storage/digest.hpp"

namespace nodezero::apps {

namespace {

void print_digests(const model::Parameters& weights, const model::OptimizerState* optimizer) {
  fmt::print("weights    {}\n", model::digest(weights));
  if (optimizer != nullptr) {
    fmt::print("optimizer  {}\n", model::digest(*optimizer));
  }
}

}  // namespace

void digest_command(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::exists(folder / "progress.json", error)) {
    const auto checkpoint = unwrap(model::read_checkpoint_files(folder));
    print_digests(*checkpoint.weights, checkpoint.optimizer.get());
    return;
  }
  const auto found = model::read_newest_checkpoint(folder);
  if (found) {
    for (const auto& warning : found->warnings) {
      fmt::print(stderr, "nodezero: {}\n", formats::escaped(warning));
    }
    print_digests(*found->checkpoint.weights, found->checkpoint.optimizer.get());
    return;
  }
  if (std::filesystem::exists(folder / "checkpoints", error)) {
    fmt::print(stderr, "nodezero: no intact checkpoint in '{}'; this is its model's digest\n",
               formats::escaped_name(folder.string()));
  }
  print_digests(*open_model(folder).weights, nullptr);
}

}  // namespace nodezero::apps
