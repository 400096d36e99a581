// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/train/taken_up_run.hpp"

#include <chrono>
#include <cmath>

#include <fmt/format.h>

#include "actors/hosts/fetch_state.hpp"
#include "apps/nodezero/common.hpp"
#include "apps/nodezero/terminal/quantities.hpp"
#include "apps/nodezero/train/run_folder.hpp"
#include "formats/printable_text.hpp"
#include "model/files/atomic_file.hpp"
#include "model/storage/checkpoint.hpp"
#include "runtime/network/secure_network.hpp"

namespace nodezero::apps {

namespace {

namespace network = runtime::network;

constexpr auto record_name = "run.json";
constexpr auto origin_name = "origin.json";

}  // namespace

actors::RunFiles files_for_taking_up(const PreparedRun& run) {
  actors::RunFiles files = run.settings.checkpoint_context.companions;
  files[origin_name] = run.settings.checkpoint_context.origin;
  files[record_name] = text_of(run.record);
  return files;
}

void take_up_run(const std::filesystem::path& folder, const Listening& listening) {
  if (folder.empty()) {
    throw CommandError(exit_bad_input, "--out is missing: name a new folder for the run");
  }
  network::SecureNetworkSettings settings;
  if (!listening.address.empty()) {
    settings.listen = unwrap(network::parse_endpoint(listening.address));
  }
  const auto host = unwrap(network::parse_endpoint(listening.from));
  check_unused(folder);
  auto access = std::make_shared<network::SecureNetwork>(identity_from(listening.credentials),
                                                         std::move(settings));
  auto state = unwrap(actors::fetch_state({.network = std::move(access), .host = to_string(host)}),
                      exit_failure);
  const RunFolder lock(folder);
  auto& files = state.files;
  const std::string record = std::move(files[record_name]);
  model::CheckpointContext context{{}, std::move(files[origin_name])};
  files.erase(record_name);
  files.erase(origin_name);
  for (const char* name : model::companion_names()) {
    if (const auto file = files.find(name); file != files.end()) {
      context.companions.insert(*file);
    }
  }
  const auto& config = state.told.training.model;
  auto progress = state.progress;
  progress.best_validation_step = 0;  // that version was in the folder that is lost
  unwrap(model::CheckpointFolder(folder, 1, context)
             .write({config, progress, state.weights, state.optimizer}),
         exit_failure);
  unwrap(model::write_companions(folder, config, context.companions), exit_failure);
  // The last: with it the folder is a run's.
  unwrap(model::write_file_atomically(folder / record_name, record), exit_failure);
  fmt::print("the run goes on in {} after step {}, from the state of {}\n",
             formats::escaped_name(folder.string()), grouped(state.progress.step), listening.from);
}

}  // namespace nodezero::apps
