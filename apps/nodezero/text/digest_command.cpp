// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/text/digest_command.hpp"

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/terminal/json_answer.hpp"
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

/// What is in a folder.
struct Digests {
  std::string weights;
  std::string optimizer;         ///< empty if the folder has only a model
  std::filesystem::path origin;  ///< the folder whose origin.json says what they depend on
  std::vector<std::string> warnings;
};

Digests digests_of(const model::Checkpoint& checkpoint, std::filesystem::path origin) {
  return {.weights = model::digest(*checkpoint.weights),
          .optimizer = checkpoint.optimizer ? model::digest(*checkpoint.optimizer) : "",
          .origin = std::move(origin),
          .warnings = {}};
}

Digests find_digests(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::exists(folder / "progress.json", error)) {
    return digests_of(unwrap(model::read_checkpoint_files(folder)), folder);
  }
  if (const auto found = model::read_newest_checkpoint(folder)) {
    auto digests = digests_of(found->checkpoint, found->path);
    digests.warnings = found->warnings;
    return digests;
  }
  Digests digests;
  if (std::filesystem::exists(folder / "checkpoints", error)) {
    digests.warnings.push_back(
        fmt::format("no intact checkpoint in '{}'; this is its model's digest", folder.string()));
  }
  digests.weights = model::digest(*open_model(folder).weights);
  digests.origin = folder;
  return digests;
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

nlohmann::ordered_json origin_as_json(const std::filesystem::path& checkpoint) {
  const auto text = model::read_file(checkpoint / model::origin_file);
  if (!text) {
    return nullptr;
  }
  const auto origin = origin_from_text(*text);
  auto lengths = nlohmann::ordered_json::array();
  for (const auto& [from_step, steps] : origin.lengths) {
    lengths.push_back({{"from_step", from_step}, {"steps", steps}});
  }
  return {{"arithmetic", origin.arithmetic},
          {"data", origin.data},
          {"lengths", std::move(lengths)},
          {"options", origin.options}};
}

void print_as_json(const Digests& digests, bool explain) {
  auto answer = json_answer("digest");
  answer["weights"] = digests.weights;
  answer["optimizer"] = digests.optimizer.empty() ? nlohmann::ordered_json(nullptr)
                                                  : nlohmann::ordered_json(digests.optimizer);
  answer["warnings"] = digests.warnings;
  if (explain) {
    answer["origin"] = origin_as_json(digests.origin);
  }
  print_json(answer);
}

}  // namespace

void digest_command(const std::filesystem::path& folder, bool explain, bool as_json) {
  const auto digests = find_digests(folder);
  if (as_json) {
    print_as_json(digests, explain);
    return;
  }
  for (const auto& warning : digests.warnings) {
    fmt::print(stderr, "nodezero: {}\n", formats::escaped(warning));
  }
  fmt::print("weights    {}\n", digests.weights);
  if (!digests.optimizer.empty()) {
    fmt::print("optimizer  {}\n", digests.optimizer);
  }
  if (explain) {
    print_origin(digests.origin);
  }
}

}  // namespace nodezero::apps
