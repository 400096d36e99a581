// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/train/prepared_run.hpp"

#include <algorithm>
#include <bit>
#include <random>

#include <fmt/format.h>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/options/option_values.hpp"
#include "apps/nodezero/process/environment.hpp"
#include "apps/nodezero/process/memory.hpp"
#include "apps/nodezero/process/processors.hpp"
#include "apps/nodezero/terminal/quantities.hpp"
#include "apps/nodezero/train/extension.hpp"
#include "apps/nodezero/train/recording.hpp"
#include "apps/nodezero/train/resolve.hpp"
#include "apps/nodezero/train/run_origin.hpp"
#include "apps/nodezero/train/standard_input.hpp"
#include "model/storage/checkpoint.hpp"
#include "model/storage/model_folder.hpp"
#include "model/text/tokenizer_files.hpp"

namespace nodezero::apps {

namespace {

/// What an earlier session left in the run folder.
struct Earlier {
  std::optional<RunRecord> record;
  std::optional<model::Checkpoint> checkpoint;
  std::string origin;            ///< of the checkpoint; empty if it does not say
  model::Companions companions;  ///< of the checkpoint
  std::optional<model::Tokenizer> tokenizer;
};

Earlier find_earlier(const std::filesystem::path& folder, std::optional<std::uint64_t> step,
                     std::vector<std::string>& remarks) {
  Earlier earlier;
  earlier.record = read_run_record(folder);
  auto found = step ? Result<model::FoundCheckpoint>(unwrap(model::read_checkpoint(folder, *step)))
                    : model::read_newest_checkpoint(folder);
  if (found) {
    remarks = found->warnings;
    earlier.origin = std::move(found->origin);
    earlier.checkpoint = std::move(found->checkpoint);
    earlier.companions = unwrap(model::companions_in(found->path));
    if (!earlier.record) {
      throw CommandError(
          exit_bad_input,
          fmt::format(
              "cannot resume the run in '{}': it has checkpoints, but no "
              "run.json, which holds the run's options: put it back, or choose another --out",
              folder.string()));
    }
  } else if (found.error().code == ErrorCode::not_found) {
    remarks.push_back(fmt::format("no checkpoint to resume from, starting at step 0 ({})",
                                  found.error().message));
  } else {
    unwrap(std::move(found));
  }
  if (earlier.record) {
    earlier.tokenizer = unwrap(model::tokenizer_in(folder));
  }
  return earlier;
}

/// Takes over the sizes of the model that the run starts from.
void take_sizes(const model::ModelConfig& found, const GivenOptions& given,
                const std::string& folder, model::ModelConfig& config) {
  const auto take = [&](const char* name, std::int64_t has, std::int64_t& value) {
    if (given.has(name) && value != has) {
      throw CommandError(exit_bad_input,
                         fmt::format("--{} is {}, but the model in '{}' has {}: leave --{} out",
                                     name, value, folder, has, name));
    }
    value = has;
  };
  take("layers", found.layers, config.layers);
  take("heads", found.heads, config.heads);
  take("width", found.width, config.width);
  take("context", found.context, config.context);
}

bool encodes_text(const std::string& tokenizer) {
  const auto kind = tokenizer_kind(tokenizer);
  return !kind || kind == model::Tokenizer::Kind::bpe;
}

/// Refuses a tokenizer that is named beside --init and is not that of the model.
void check_same_tokenizer(const TrainOptions& options, const model::ModelFolder& start) {
  if (!start.tokenizer || start.tokenizer->kind() == model::Tokenizer::Kind::none) {
    return;
  }
  const auto kind = tokenizer_kind(options.tokenizer);
  const bool is_same =
      kind ? *kind == start.tokenizer->kind()
           : read_named_tokenizer(options.tokenizer).to_json() == start.tokenizer->to_json();
  if (!is_same) {
    throw CommandError(
        exit_bad_input,
        fmt::format("--tokenizer is '{}', but the model in '{}' has another tokenizer ({} with {} "
                    "tokens): leave --tokenizer out",
                    options.tokenizer, options.init, value_name(start.tokenizer->kind()),
                    start.tokenizer->vocabulary()));
  }
}

/// Removes a run folder that was made too early, if no run comes of it.
class UnusedFolder {
 public:
  explicit UnusedFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}
  ~UnusedFolder() {
    if (!folder_.empty()) {
      remove_unused(folder_);
    }
  }
  UnusedFolder(const UnusedFolder&) = delete;
  UnusedFolder& operator=(const UnusedFolder&) = delete;
  void keep() { folder_.clear(); }

 private:
  std::filesystem::path folder_;
};

std::vector<std::vector<std::int32_t>> encode_prompts(const TrainOptions& options,
                                                      const model::Tokenizer& tokenizer) {
  std::vector<std::vector<std::int32_t>> prompts;
  if (options.sample_tokens == 0) {
    return prompts;
  }
  for (const auto& prompt : options.prompts) {
    if (prompt.empty()) {
      throw CommandError(exit_bad_input, "--prompt is empty: give at least one character");
    }
    auto ids = tokenizer.encode(prompt);
    if (!ids) {
      throw CommandError(exit_bad_input,
                         fmt::format("--prompt '{}': {}", prompt, ids.error().message));
    }
    prompts.push_back(std::move(*ids));
  }
  return prompts;
}

std::uint64_t new_run_number() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

nlohmann::json describe_model(const model::ModelConfig& config, std::uint64_t parameters) {
  return {{"parameters", parameters},  {"layers", config.layers},
          {"heads", config.heads},     {"width", config.width},
          {"context", config.context}, {"vocabulary", config.vocabulary},
          {"dropout", config.dropout}};
}

}  // namespace

namespace {

/// Micro-batches of a validation that are planned at once: a million tokens, but never so few that
/// lanes wait for the last of them. A power of two, as the tree has it that all are summed along.
std::uint32_t validation_part(const model::TrainingConfig& training, std::uint32_t lanes) {
  constexpr std::uint64_t tokens = 1U << 20U, most = 4096, per_lane = 16;
  const auto fitting =
      tokens / (training.sequences * static_cast<std::uint64_t>(training.model.context));
  return static_cast<std::uint32_t>(
      std::max(std::bit_floor(std::clamp<std::uint64_t>(fitting, 1, most)),
               std::bit_ceil(per_lane * lanes)));
}

}  // namespace

actors::RunSettings make_settings(const TrainOptions& options, const DataSet& data) {
  const auto& training = options.training;
  actors::RunSettings settings;
  static_cast<actors::RunOptions&>(settings) = options;
  settings.sampling.seed = training.seed;
  settings.sampling.vocabulary = data.tokenizer.vocabulary();
  settings.training_batches = std::make_shared<model::ShuffledWindows>(
      data.training_tokens, data.training, training.model.context, training.sequences,
      training.micro_batches, training.seed);
  if (settings.threads == 0) {
    settings.threads = available_processors().count;
  }
  if (data.validation_tokens != nullptr) {
    settings.validation_batches = std::make_shared<model::SequentialWindows>(
        data.validation_tokens, data.evaluation, training.model.context, training.sequences,
        validation_part(training, settings.threads));
  }
  settings.token_frequencies = token_frequencies(data);
  settings.prompts = encode_prompts(options, data.tokenizer);
  check_options(model::validate(settings.sampling));
  settings.stall_timeout = std::chrono::seconds(options.stall_timeout_s);
  return settings;
}

namespace {

/// Refuses a checkpoint of another arithmetic, unless that was asked for.
void check_arithmetic(int of_checkpoint, bool accept, PreparedRun& run) {
  if (of_checkpoint == model::arithmetic_version) {
    return;
  }
  const auto what =
      fmt::format("computed with version {} of the arithmetic, and this program has {}",
                  of_checkpoint, model::arithmetic_version);
  if (!accept) {
    throw CommandError(exit_bad_input,
                       fmt::format("the run in '{}' was {}: its weights would end as those of no "
                                   "run from the start; add --accept-other-arithmetic if they may",
                                   run.settings.folder.string(), what));
  }
  run.remarks.push_back(fmt::format("the run so far was {}; from here on it is another run", what));
}

/// Compares what run.json says with what the checkpoint was computed from, and moves the end of a
/// run that is to have another length. Returns what the checkpoints to come are computed from.
RunOrigin take_up_origin(const std::string& checkpoint_origin, bool accept_other_arithmetic,
                         const model::TrainingConfig& recorded, const nlohmann::json& data,
                         PreparedRun& run) {
  auto& settings = run.settings;
  const std::uint64_t steps = actors::total_steps(settings);
  auto before = settings;
  before.training = recorded;
  auto origin = origin_of(run.options, data, actors::total_steps(before));
  if (!settings.resume) {
    return origin;
  }
  int arithmetic = 1;  // of checkpoints that do not say
  if (!checkpoint_origin.empty()) {
    const auto stored = origin_from_text(checkpoint_origin);
    arithmetic = stored.arithmetic;
    if (const auto difference = origin_difference(stored, origin)) {
      throw CommandError(
          exit_bad_input,
          fmt::format("cannot resume the run in '{}': {}; put run.json back as it was",
                      settings.folder.string(), *difference));
    }
    origin.lengths = stored.lengths;
  }
  check_arithmetic(arithmetic, accept_other_arithmetic, run);
  if (origin.lengths.back().steps == steps) {
    return origin;
  }
  auto checkpoint = *settings.resume;
  if (checkpoint.progress.step > steps) {
    throw CommandError(
        exit_bad_input,
        fmt::format("the run in '{}' has done {} already: ask for more than that, or "
                    "go on from an earlier checkpoint with --from-step",
                    settings.folder.string(), counted(checkpoint.progress.step, "step")));
  }
  checkpoint.progress = reopened(checkpoint.progress, settings.training_batches->steps_in_epoch(0));
  settings.resume = std::move(checkpoint);
  run.remarks.push_back(describe_extension(settings, origin.lengths));
  const std::uint64_t step = settings.resume->progress.step;
  std::erase_if(origin.lengths, [&](const auto& length) { return length.from_step >= step; });
  origin.lengths.push_back({.from_step = step, .steps = steps});
  return origin;
}

/// Puts a file in place of the "-" in --data.
void take_standard_input(bool plan, const std::filesystem::path& out, GivenOptions& given,
                         PreparedRun& run) {
  const auto place = std::ranges::find(given.values.data, "-");
  if (!given.has("data") || place == given.values.data.end()) {
    return;
  }
  if (plan) {
    throw CommandError(
        exit_bad_input,
        "--plan reads no data from standard input: name a file, or leave --plan out");
  }
  if (run.folder == nullptr) {
    run.folder = std::make_unique<RunFolder>(out);
    check_unused(out);
  }
  *place = keep_standard_input(out).string();
}

}  // namespace

PreparedRun prepare_run(const TrainRequest& request) {
  auto given = request.config.empty() ? merge(request.given, {})
                                      : merge(request.given, read_config_file(request.config));
  if (given.out.empty() && (!request.plan || request.resume)) {
    throw CommandError(exit_bad_input, "--out is missing: name the folder to keep the run in");
  }
  const std::filesystem::path out = given.out;

  PreparedRun run;
  std::optional<UnusedFolder> unused;
  Earlier earlier;
  if (request.from_step && !request.resume) {
    throw CommandError(exit_bad_input, "--from-step is for --resume: give both");
  }
  if (request.resume) {
    if (!request.plan && std::filesystem::is_directory(out)) {
      run.folder = std::make_unique<RunFolder>(out);
    }
    earlier = find_earlier(out, request.from_step, run.remarks);
    run.removes_later = request.from_step.has_value();
  } else if (!request.plan) {
    check_unused(out);
  }

  take_standard_input(request.plan, out, given, run);
  auto& options = run.options;
  options =
      earlier.record ? resolve_resumed_run(earlier.record->options, given) : resolve_new_run(given);
  if (options.data.empty()) {
    throw CommandError(exit_bad_input,
                       request.resume
                           ? fmt::format("there is no run to resume in '{}': check --out, or give "
                                         "--data to start one there",
                                         out.string())
                           : "--data is missing: name the files or folders to train on");
  }
  std::optional<model::ModelFolder> start;
  if (!options.init.empty() && !earlier.checkpoint) {
    start = unwrap(model::load_model_folder(options.init));
    take_sizes(start->config, given, options.init, options.training.model);
    if (!given.has("vocabulary")) {
      options.vocabulary = start->config.vocabulary;
    }
  }
  const auto& tokenizer = start ? start->tokenizer : earlier.tokenizer;
  if (start && given.has("tokenizer")) {
    check_same_tokenizer(options, *start);
  }
  // Text that a bpe tokenizer has encoded is kept in the run's folder.
  const bool encodes = tokenizer ? tokenizer->kind() == model::Tokenizer::Kind::bpe
                                 : encodes_text(options.tokenizer);
  if (encodes && !request.plan && run.folder == nullptr) {
    check_unused(out);
    run.folder = std::make_unique<RunFolder>(out);
    check_unused(out);
    unused.emplace(out);
  }
  run.data = open_data(
      options,
      {.tokenizer = tokenizer, .run_folder = out, .encoded = run.folder != nullptr ? out : ""});
  run.remarks.insert(run.remarks.end(), run.data.remarks.begin(), run.data.remarks.end());
  for (const auto& folder : run.data.left_out) {
    run.remarks.push_back(
        fmt::format("left out of the data: '{}', the folder of a run", folder.string()));
  }
  // Models may have more ids than their tokenizer, to round a size up.
  options.training.model.vocabulary = start                ? start->config.vocabulary
                                      : earlier.checkpoint ? earlier.checkpoint->config.vocabulary
                                                           : run.data.vocabulary;
  if (run.data.vocabulary > options.training.model.vocabulary) {
    throw CommandError(
        exit_bad_input,
        fmt::format("the data has {} token ids, but the model in '{}' has {}: use the data or "
                    "--vocabulary it was trained with",
                    run.data.vocabulary, start ? options.init : out.string(),
                    options.training.model.vocabulary));
  }
  check_options(model::validate(options.training));

  auto description = describe(run.data);
  const auto recorded = earlier.record ? earlier.record->options.training : options.training;
  if (earlier.record) {
    if (const auto difference = data_difference(earlier.record->data, description)) {
      throw CommandError(
          exit_bad_input,
          fmt::format(
              "cannot resume with different data: {}; give the run's own, or choose another --out",
              *difference));
    }
    run.record = std::move(*earlier.record);
  } else {
    run.record.run = new_run_number();
    run.record.started = timestamp();
  }
  if (earlier.checkpoint && earlier.checkpoint->config != options.training.model) {
    throw CommandError(
        exit_bad_input,
        fmt::format("cannot resume the run in '{}': its checkpoints belong to "
                    "another model than its run.json describes: choose another --out",
                    out.string()));
  }

  auto& settings = run.settings;
  settings = make_settings(options, run.data);
  settings.folder = out;
  settings.run = run.record.run;
  settings.resume = std::move(earlier.checkpoint);
  if (start) {
    settings.initial_weights = start->weights;
  }
  settings.checkpoint_context = {
      start             ? unwrap(model::companions_in(options.init))
      : settings.resume ? std::move(earlier.companions)
                        : model::companions_of(options.training.model, run.data.tokenizer),
      to_text(take_up_origin(earlier.origin, request.accept_other_arithmetic, recorded, description,
                             run))};
  run.plan = make_plan(settings, run.data);
  run.plan.lanes_from = options.threads > 0 ? "--threads" : available_processors().reason;
  if (!options.trace.empty() || options.trace_ring_s > 0) {
    run.plan.memory.push_back({"recording", "at most, messages in memory", recording_bytes});
  }
  run.record.options = options;
  run.record.data = std::move(description);
  run.record.model = describe_model(options.training.model, run.plan.parameters);
  run.record.versions = version_description();
  run.record.processor = processor_description();
  if (!request.plan) {
    check_memory(run.plan, available_memory());
    if (run.folder == nullptr) {
      run.folder = std::make_unique<RunFolder>(out);
      if (!request.resume) {
        // Another process may have started a run here since the first check.
        check_unused(out);
      }
    }
  }
  if (unused) {
    unused->keep();
  }
  return run;
}

}  // namespace nodezero::apps
