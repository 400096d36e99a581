// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/train/prepared_run.hpp"

#include <algorithm>
#include <random>

#include <fmt/format.h>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/options/option_values.hpp"
#include "apps/nodezero/process/environment.hpp"
#include "apps/nodezero/process/memory.hpp"
#include "apps/nodezero/process/processors.hpp"
#include "apps/nodezero/terminal/quantities.hpp"
#include "apps/nodezero/train/earlier_run.hpp"
#include "apps/nodezero/train/extension.hpp"
#include "apps/nodezero/train/recording.hpp"
#include "apps/nodezero/train/resolve.hpp"
#include "apps/nodezero/train/run_origin.hpp"
#include "apps/nodezero/train/run_settings.hpp"
#include "apps/nodezero/train/standard_input.hpp"
#include "apps/nodezero/train/starting_model.hpp"

namespace nodezero::apps {

namespace {

bool encodes_text(const std::string& tokenizer) {
  const auto kind = tokenizer_kind(tokenizer);
  return !kind || kind == model::Tokenizer::Kind::bpe;
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

std::uint64_t new_run_number() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

nlohmann::json describe_model(const model::ModelConfig& config, std::uint64_t parameters) {
  return {{"parameters", parameters},
          {"layers", config.layers},
          {"heads", config.heads},
          {"width", config.width},
          {"context", config.context},
          {"vocabulary", config.vocabulary},
          {"dropout", config.dropout},
          {"inner", config.inner_width()},
          {"activation", value_name(config.activation)},
          {"untied", config.untied},
          {"layer_norm_epsilon", config.layer_norm_epsilon},
          {"unscaled_attention", config.unscaled_attention},
          {"inverse_layer_scaling", config.inverse_layer_scaling}};
}

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
  checkpoint.progress = reopened(checkpoint.progress, *settings.training_batches);
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

/// Locks the folder of a run that is to go on, and finds what is in it; makes sure that a new one
/// is unused.
EarlierRun find_run(const TrainRequest& request, const std::filesystem::path& out,
                    PreparedRun& run) {
  if (request.from_step && !request.resume) {
    throw CommandError(exit_bad_input, "--from-step is for --resume: give both");
  }
  if (!request.resume) {
    if (!request.plan) {
      check_unused(out);
    }
    return {};
  }
  if (!request.plan && std::filesystem::is_directory(out)) {
    run.folder = std::make_unique<RunFolder>(out);
  }
  run.removes_later = request.from_step.has_value();
  return find_earlier_run(out, request.from_step, run.remarks);
}

TrainOptions resolve_run(const EarlierRun& earlier, const GivenOptions& given, bool resume) {
  auto options =
      earlier.record ? resolve_resumed_run(earlier.record->options, given) : resolve_new_run(given);
  if (options.data.empty()) {
    throw CommandError(exit_bad_input,
                       resume ? fmt::format("there is no run to resume in '{}': check --out, or "
                                            "give --data to start one there",
                                            given.out)
                              : "--data is missing: name the files or folders to train on");
  }
  return options;
}

/// Locks the folder of a new run.
void claim_folder(const std::filesystem::path& out, PreparedRun& run) {
  check_unused(out);
  run.folder = std::make_unique<RunFolder>(out);
  // Another process may have started a run here since the first check.
  check_unused(out);
}

/// Opens the data. The model gets its vocabulary, or that of the model that the run starts from,
/// which may have more ids than its tokenizer, to round a size up.
void find_data(const std::filesystem::path& out, const std::optional<model::Tokenizer>& tokenizer,
               const std::optional<std::int64_t>& vocabulary, const std::string& model,
               PreparedRun& run) {
  auto& options = run.options;
  run.data = open_data(
      options,
      {.tokenizer = tokenizer, .run_folder = out, .encoded = run.folder != nullptr ? out : ""});
  run.remarks.insert(run.remarks.end(), run.data.remarks.begin(), run.data.remarks.end());
  for (const auto& folder : run.data.left_out) {
    run.remarks.push_back(
        fmt::format("left out of the data: '{}', the folder of a run", folder.string()));
  }
  options.training.model.vocabulary = vocabulary.value_or(run.data.vocabulary);
  if (run.data.vocabulary > options.training.model.vocabulary) {
    throw CommandError(
        exit_bad_input,
        fmt::format("the data has {} token ids, but the model in '{}' has {}: use the data or "
                    "--vocabulary it was trained with",
                    run.data.vocabulary, model, options.training.model.vocabulary));
  }
  check_options(model::validate(options.training));
}

/// Goes on with the record of the run that is resumed, whose data and model must be these, or
/// begins one.
void take_up_record(const std::filesystem::path& out, const nlohmann::json& description,
                    EarlierRun& earlier, PreparedRun& run) {
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
  if (earlier.checkpoint && earlier.checkpoint->config != run.options.training.model) {
    throw CommandError(
        exit_bad_input,
        fmt::format("cannot resume the run in '{}': its checkpoints belong to "
                    "another model than its run.json describes: choose another --out",
                    out.string()));
  }
}

/// A run that answers requests while it trains.
void prepare_serving(const TrainRequest& request, PreparedRun& run) {
  if (request.serve.empty()) {
    return;
  }
  if (run.data.tokenizer.kind() == model::Tokenizer::Kind::none) {
    throw CommandError(exit_bad_input,
                       "--serve answers requests for text, and token files have no tokenizer");
  }
  const auto options = serving_options(request.serve, request.serving);
  auto& settings = run.settings;
  settings.snapshot_every = 1;
  settings.generate_together = options.together;
  settings.generation_share = request.serve_share;
  settings.most_versions = request.serve_versions;
  settings.most_requests = options.queue;
}

/// What the run will take, and what run.json says of it.
void describe_run(nlohmann::json data, PreparedRun& run) {
  const auto& options = run.options;
  run.plan = make_plan(run.settings, run.data);
  run.plan.lanes_from = options.threads > 0 ? "--threads" : available_processors().reason;
  if (!options.trace.empty() || options.trace_ring_s > 0) {
    run.plan.memory.push_back({"recording", "at most, messages in memory", recording_bytes});
  }
  run.record.options = options;
  run.record.data = std::move(data);
  run.record.model = describe_model(options.training.model, run.plan.parameters);
  run.record.versions = version_description();
  run.record.processor = processor_description();
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
  auto earlier = find_run(request, out, run);
  take_standard_input(request.plan, out, given, run);
  auto& options = run.options;
  options = resolve_run(earlier, given, request.resume);
  const auto start = earlier.checkpoint ? std::nullopt : starting_model(given, options);
  const auto& tokenizer = start ? start->tokenizer : earlier.tokenizer;

  // Text that a bpe tokenizer has encoded is kept in the run's folder.
  std::optional<UnusedFolder> unused;
  const bool encodes = tokenizer ? tokenizer->kind() == model::Tokenizer::Kind::bpe
                                 : encodes_text(options.tokenizer);
  if (encodes && !request.plan && run.folder == nullptr) {
    claim_folder(out, run);
    unused.emplace(out);
  }
  std::optional<std::int64_t> vocabulary;
  if (start || earlier.checkpoint) {
    vocabulary = start ? start->config.vocabulary : earlier.checkpoint->config.vocabulary;
  }
  find_data(out, tokenizer, vocabulary, start ? options.init : out.string(), run);
  auto description = describe(run.data);
  const auto recorded = earlier.record ? earlier.record->options.training : options.training;
  take_up_record(out, description, earlier, run);

  auto& settings = run.settings;
  settings = make_settings(options, run.data);
  settings.folder = out;
  settings.run = run.record.run;
  if (earlier.checkpoint) {
    auto& progress = earlier.checkpoint->progress;
    progress = after_epoch(progress, settings.training_batches->steps_in_epoch(progress.epoch));
    settings.resume = std::move(earlier.checkpoint);
  }
  if (start) {
    settings.initial_weights = start->weights;
  }
  settings.checkpoint_context = {
      start             ? unwrap(model::companions_in(options.init))
      : settings.resume ? std::move(earlier.companions)
                        : model::companions_of(options.training.model, run.data.tokenizer),
      to_text(take_up_origin(earlier.origin, request.accept_other_arithmetic, recorded, description,
                             run))};
  prepare_serving(request, run);
  describe_run(std::move(description), run);
  if (!request.plan) {
    check_memory(run.plan, available_memory());
    if (run.folder == nullptr && request.resume) {
      run.folder = std::make_unique<RunFolder>(out);
    } else if (run.folder == nullptr) {
      claim_folder(out, run);
    }
  }
  if (unused) {
    unused->keep();
  }
  return run;
}

}  // namespace nodezero::apps
