// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/text/digest_command.hpp"

#include <cstdio>

#include <fmt/format.h>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/terminal/quantities.hpp"
#include "apps/nodezero/text/model_source.hpp"
#include "apps/nodezero/train/run_origin.hpp"
#include "formats/printable_text.hpp"
#include "model/files/atomic_file.hpp"
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

/// What stands in a checkpoint's origin.json.
void print_origin(const std::filesystem::path& checkpoint) {
  fmt::print(
      "\nThe weights depend on what follows and on nothing else: not on processor, compiler, "
      "threads,\nspheres or interruptions.\n");
  const auto text = model::read_file(checkpoint / model::origin_file);
  if (!text) {
    fmt::print("  not recorded here: data and options\n");
    return;
  }
  const auto origin = origin_from_text(*text);
  fmt::print("  arithmetic  {} (docs/arithmetic.md)\n", origin.arithmetic);
  fmt::print("  data        {}\n", origin.data.dump());
  for (const auto& [from_step, steps] : origin.lengths) {
    fmt::print("  length      {}, planned at step {}\n", counted(steps, "step"), from_step);
  }
  for (const auto& [name, value] : origin.options.items()) {
    fmt::print("  --{} {}\n", name, value.is_string() ? value.get<std::string>() : value.dump());
  }
}

}  // namespace

void digest_command(const std::filesystem::path& folder, bool explain) {
  std::error_code error;
  if (std::filesystem::exists(folder / "progress.json", error)) {
    const auto checkpoint = unwrap(model::read_checkpoint_files(folder));
    print_digests(*checkpoint.weights, checkpoint.optimizer.get());
    if (explain) {
      print_origin(folder);
    }
    return;
  }
  const auto found = model::read_newest_checkpoint(folder);
  if (found) {
    for (const auto& warning : found->warnings) {
      fmt::print(stderr, "nodezero: {}\n", formats::escaped(warning));
    }
    print_digests(*found->checkpoint.weights, found->checkpoint.optimizer.get());
    if (explain) {
      print_origin(found->path);
    }
    return;
  }
  if (std::filesystem::exists(folder / "checkpoints", error)) {
    fmt::print(stderr, "nodezero: no intact checkpoint in '{}'; this is its model's digest\n",
               formats::escaped_name(folder.string()));
  }
  print_digests(*open_model(folder).weights, nullptr);
  if (explain) {
    print_origin(folder);
  }
}

}  // namespace nodezero::apps
