// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/text/evaluate_command.hpp"

#include <cmath>
#include <cstdio>
#include <memory>
#include <numbers>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/options/option_values.hpp"
#include "apps/nodezero/process/open_files.hpp"
#include "apps/nodezero/terminal/quantities.hpp"
#include "apps/nodezero/text/evaluation.hpp"
#include "apps/nodezero/text/model_source.hpp"
#include "apps/nodezero/text/token_lines.hpp"
#include "apps/nodezero/train/data_set.hpp"
#include "apps/nodezero/train/run_record.hpp"
#include "apps/nodezero/train/standard_input.hpp"
#include "formats/printable_text.hpp"

namespace nodezero::apps {

namespace {

/// The text to evaluate on.
struct Text {
  std::shared_ptr<const model::TokenSource> tokens;
  model::TokenRange range;
  std::string name;
  std::vector<model::UsedFile> used;
};

Text open_files(const EvaluateOptions& options, const model::Tokenizer& tokenizer,
                std::int64_t vocabulary) {
  allow_many_open_files();
  std::vector<std::filesystem::path> paths(options.data.begin(), options.data.end());
  const ScratchFolder scratch;
  for (auto& path : paths) {
    if (path == "-") {
      path = keep_standard_input(scratch.path());
    }
  }
  const auto files = unwrap(model::list_files(paths)).files;
  auto opened = model::open_corpus(files, {.kind = tokenizer.kind(),
                                           .vocabulary_of = &tokenizer,
                                           .vocabulary = vocabulary,
                                           .token_type = options.token_type,
                                           .binary = options.binary});
  if (!opened) {
    throw CommandError(exit_bad_input, with_option_names(opened.error().message));
  }
  const auto& corpus = *opened;
  return {.tokens = corpus.tokens,
          .range = {0, corpus.tokens->size()},
          .name = files.size() == 1 ? files.front().string()
                                    : fmt::format("{} files", grouped(files.size())),
          .used = corpus.used};
}

/// The record of the run that a model belongs to. The model may be in the run folder itself or,
/// as the run's best version is, in a folder inside it.
std::optional<RunRecord> run_of(const std::filesystem::path& folder) {
  const auto absolute = std::filesystem::absolute(folder / "").parent_path();
  auto record = read_run_record(absolute);
  return record ? record : read_run_record(absolute.parent_path());
}

Text open_split(const EvaluateOptions& options, const model::Tokenizer& tokenizer) {
  const auto record = run_of(options.model);
  if (!record) {
    throw CommandError(
        exit_bad_input,
        fmt::format("'{}' is not a run folder; --split needs one: give --data", options.model));
  }
  const auto data = open_data(record->options, {.tokenizer = tokenizer});
  if (const auto difference = data_difference(record->data, describe(data))) {
    throw CommandError(
        exit_bad_input,
        fmt::format("the run's data has changed: {}; give --data instead of --split", *difference));
  }
  if (options.split == "train") {
    return {data.training_tokens, data.training, "the run's training part", data.used};
  }
  if (data.validation_tokens == nullptr) {
    throw CommandError(exit_bad_input,
                       "the run has no validation part: use --split train or --data");
  }
  return {data.validation_tokens, data.validation, "the run's validation part", data.used};
}

model::Precision precision_of(const EvaluateOptions& options) {
  if (options.precision) {
    return *options.precision;
  }
  const auto record = run_of(options.model);
  return record ? record->options.training.precision : model::Precision::fp32;
}

void check_options(const EvaluateOptions& options) {
  if (!options.check.empty()) {
    if (!options.data.empty() || !options.split.empty() || options.log_probabilities) {
      throw CommandError(exit_bad_input,
                         "--check has its own text: leave --data, --split and --logprobs out");
    }
    return;
  }
  if (options.data.empty() == options.split.empty()) {
    throw CommandError(exit_bad_input,
                       "give either --data FILE... or --split validation, the text to evaluate on");
  }
  if (!options.split.empty() && options.split != "validation" && options.split != "train") {
    throw CommandError(exit_bad_input,
                       fmt::format("--split takes validation or train, not '{}'", options.split));
  }
}

/// Bits per byte of text; nothing for token files, whose text is unknown.
std::optional<double> bits_a_byte(const Evaluation& evaluation, const model::Tokenizer& tokenizer,
                                  const Text& text) {
  if (tokenizer.kind() == model::Tokenizer::Kind::none) {
    return std::nullopt;
  }
  const auto bytes = target_bytes(tokenizer, *text.tokens, text.range);
  return evaluation.loss * static_cast<double>(evaluation.tokens) / std::numbers::ln2 /
         static_cast<double>(bytes);
}

void print(const Evaluation& evaluation, std::optional<double> bits, std::int64_t context,
           const Text& text, bool as_json) {
  if (as_json) {
    auto answer = json_answer("eval");
    answer["loss"] = evaluation.loss;
    answer["perplexity"] = evaluation.perplexity();
    answer["bits_per_byte"] =
        bits ? nlohmann::ordered_json(*bits) : nlohmann::ordered_json(nullptr);
    answer["tokens"] = evaluation.tokens;
    answer["windows"] = evaluation.windows;
    answer["context"] = context;
    print_json(answer);
    return;
  }
  fmt::print("loss           {:.4f} nats per token\n", evaluation.loss);
  fmt::print("perplexity     {:.4f}\n", evaluation.perplexity());
  if (bits) {
    fmt::print("bits per byte  {:.4f}\n", *bits);
  }
  fmt::print("text           {}: {} in {} of {}\n", formats::escaped_name(text.name),
             counted(evaluation.tokens, "token"), counted(evaluation.windows, "window"), context);
}

}  // namespace

void evaluate_command(const EvaluateOptions& options) {
  check_options(options);
  const auto model = open_model(options.model);
  const auto precision = precision_of(options);
  if (!options.check.empty()) {
    const auto lines = read_token_lines(options.check);
    check_token_lines(model, precision, lines);
    fmt::print("{} checked: all have the bits of the forward pass\n",
               counted(lines.size(), "token"));
    return;
  }
  const auto tokenizer = model.tokenizer.value_or(model::Tokenizer::none(model.config.vocabulary));
  const auto text = options.split.empty() ? open_files(options, tokenizer, model.config.vocabulary)
                                          : open_split(options, tokenizer);
  if (text.range.size() < 2) {
    throw CommandError(exit_bad_input,
                       fmt::format("{} has {}, but a loss needs at least 2: give more text",
                                   text.name, counted(text.range.size(), "token")));
  }
  if (options.log_probabilities) {
    print_token_lines(model, precision, tokenizer, *text.tokens, text.range);
    return;
  }
  const auto evaluation =
      evaluate(model.config, *model.weights, precision, text.tokens, text.range, options.threads);
  if (!std::isfinite(evaluation.loss)) {
    throw CommandError(exit_failure,
                       fmt::format("the loss of the model in '{}' is not finite: its weights are "
                                   "damaged or its training diverged",
                                   options.model));
  }
  const auto bits = bits_a_byte(evaluation, tokenizer, text);
  for (const auto& remark : unwrap(model::DataWatch(text.used).look())) {
    fmt::print(stderr, "note: {}\n", formats::escaped(remark));
  }
  print(evaluation, bits, model.config.context, text, options.output.json);
}

}  // namespace nodezero::apps
