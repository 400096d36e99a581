// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/train/replay_facts.hpp"

#include <charconv>
#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/options/option_values.hpp"
#include "apps/nodezero/train/run_settings.hpp"
#include "formats/bounded_json.hpp"
#include "model/files/atomic_file.hpp"
#include "model/storage/checkpoint_files.hpp"
#include "model/storage/digest.hpp"
#include "model/storage/model_folder.hpp"
#include "model/text/byte_text.hpp"
#include "model/text/tokenizer_files.hpp"

namespace nodezero::apps {

namespace {

using runtime::trace::Kind;
using runtime::trace::Trace;

constexpr std::string_view end_note = "ended with weights ";

const std::string& fact(const Trace& recorded, const char* name) {
  const auto found = recorded.about.find(name);
  if (found == recorded.about.end()) {
    throw CommandError(exit_bad_input,
                       fmt::format("the trace does not describe its run ('{}' is missing): only "
                                   "traces recorded with 'nodezero train --trace' can be replayed",
                                   name));
  }
  return found->second;
}

nlohmann::json json_fact(const Trace& recorded, const char* name) {
  auto json = formats::read_json(fact(recorded, name));
  if (!json) {
    throw CommandError(exit_bad_input,
                       fmt::format("the trace is damaged: what it says of '{}' {}; copy it again",
                                   name, json.error().message));
  }
  return std::move(*json);
}

/// Resolves a relative path against the folder that the recorded program ran in.
void make_absolute(const std::filesystem::path& directory, std::string& path) {
  if (!path.empty()) {
    path = (directory / path).lexically_normal().string();
  }
}

TrainOptions recorded_options(const Trace& recorded) {
  auto options = options_from_json(json_fact(recorded, "options"));
  const std::filesystem::path directory = model::from_utf8_text(fact(recorded, "directory"));
  for (auto& path : options.data) {
    make_absolute(directory, path);
  }
  if (!tokenizer_kind(options.tokenizer)) {
    make_absolute(directory, options.tokenizer);
  }
  make_absolute(directory, options.init);
  if (!validation_fraction(options.validation)) {
    make_absolute(directory, options.validation);
  }
  return options;
}

/// The checkpoint that the recorded session resumed from.
model::Checkpoint read_start(const std::filesystem::path& folder, std::uint64_t step) {
  const auto path = folder / "checkpoints" / fmt::format("step-{:08}", step);
  if (!std::filesystem::is_directory(path)) {
    throw CommandError(exit_bad_input,
                       fmt::format("the recorded run resumed from the checkpoint '{}', which no "
                                   "longer exists ('train --keep' sets how many are kept)",
                                   path.string()));
  }
  return unwrap(model::read_checkpoint_files(path));
}

void expect_weights(const std::string& recorded, const model::Parameters& found,
                    const std::string& where) {
  if (model::digest(found) != recorded) {
    throw CommandError(
        exit_bad_input,
        fmt::format("the recorded run started from weights {}..., but '{}' now holds {}...",
                    recorded.substr(0, 12), where, model::digest(found).substr(0, 12)));
  }
}

actors::RunSettings settings_from(const Trace& recorded) {
  auto options = recorded_options(recorded);
  const std::filesystem::path folder =
      std::filesystem::path(model::from_utf8_text(fact(recorded, "directory"))) /
      model::from_utf8_text(fact(recorded, "folder"));
  const auto start = json_fact(recorded, "start");
  const auto step = start.value("step", std::uint64_t{0});
  std::optional<model::ModelFolder> initial;
  std::optional<model::Tokenizer> tokenizer;
  if (step > 0) {
    tokenizer = unwrap(model::tokenizer_in(folder));
  } else if (!options.init.empty()) {
    initial = unwrap(model::load_model_folder(options.init));
    expect_weights(start.at("weights"), *initial->weights, options.init);
    tokenizer = initial->tokenizer;
  }
  const auto data = open_data(options, {.tokenizer = tokenizer, .encoded = folder});
  if (const auto difference = data_difference(json_fact(recorded, "data"), describe(data))) {
    throw CommandError(
        exit_bad_input,
        fmt::format("the data has changed since the recording: {}; put it back to replay the run",
                    *difference));
  }
  options.training.model.vocabulary = initial ? initial->config.vocabulary : data.vocabulary;
  std::optional<model::Checkpoint> resume;
  if (step > 0) {
    resume = read_start(folder, step);
    expect_weights(start.at("weights"), *resume->weights, folder.string());
    options.training.model.vocabulary = resume->config.vocabulary;
  }
  auto settings = make_settings(options, data);
  const auto& run = fact(recorded, "run");
  std::from_chars(run.data(), run.data() + run.size(), settings.run, 16);
  settings.resume = std::move(resume);
  if (initial) {
    settings.initial_weights = initial->weights;
  }
  return settings;
}

}  // namespace

std::map<std::string, std::string> facts_for_replay(const PreparedRun& run) {
  nlohmann::json start = nlohmann::json::object();
  if (run.settings.resume) {
    start = {{"step", run.settings.resume->progress.step},
             {"weights", model::digest(*run.settings.resume->weights)}};
  } else if (run.settings.initial_weights) {
    start = {{"weights", model::digest(*run.settings.initial_weights)}};
  }
  return {{"data", run.record.data.dump()},
          {"directory", model::to_utf8_text(std::filesystem::current_path().string())},
          {"start", start.dump()}};
}

void note_end(runtime::trace::Recorder& recorder, const std::string& weights) {
  recorder.note(std::string(end_note) + weights);
}

std::optional<std::string> noted_weights(const Trace& recorded) {
  for (const auto& event : recorded.events) {
    const auto text = recorded.name(event.type);
    if (event.kind == Kind::note && event.actor == 0 && text.starts_with(end_note)) {
      return std::string(text.substr(end_note.size()));
    }
  }
  return std::nullopt;
}

actors::RunSettings recorded_settings(const Trace& recorded) {
  try {
    return settings_from(recorded);
  } catch (const nlohmann::json::exception& error) {
    throw CommandError(
        exit_bad_input,
        fmt::format("the trace's description of the run is damaged ({}): record the run again",
                    error.what()));
  }
}

}  // namespace nodezero::apps
