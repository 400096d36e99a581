// SPDX-License-Identifier: BSD-3-Clause
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "apps/nodezero/commands.hpp"
#include "apps/nodezero/common.hpp"
#include "apps/nodezero/text/model_source.hpp"
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

/// What a folder holds: a checkpoint if it has or is one, else a model alone.
void print_digests(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::exists(folder / "progress.json", error)) {
    const auto checkpoint = unwrap(model::read_checkpoint_files(folder));
    print_digests(*checkpoint.weights, checkpoint.optimizer.get());
    return;
  }
  const auto found = model::read_newest_checkpoint(folder);
  if (found) {
    for (const auto& warning : found->warnings) {
      fmt::print(stderr, "nodezero: {}\n", warning);
    }
    print_digests(*found->checkpoint.weights, found->checkpoint.optimizer.get());
    return;
  }
  if (std::filesystem::exists(folder / "checkpoints", error)) {
    fmt::print(stderr, "nodezero: no whole checkpoint in '{}': the digest is of its model alone\n",
               folder.string());
  }
  print_digests(*open_model(folder).weights, nullptr);
}

}  // namespace

void add_digest_command(CLI::App& program) {
  auto* command = program.add_subcommand(
      "digest", "SHA-256 of the weights and, of a checkpoint, of the optimizer's state");
  const auto folder = std::make_shared<std::string>();
  command
      ->add_option("DIR", *folder, "Run folder (its newest checkpoint), checkpoint or model folder")
      ->required()
      ->type_name("DIR");
  command->callback([folder] { print_digests(*folder); });
}

}  // namespace nodezero::apps
