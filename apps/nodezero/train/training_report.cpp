// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/train/training_report.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "actors/spheres/topology.hpp"
#include "apps/nodezero/options/option_values.hpp"
#include "apps/nodezero/process/memory.hpp"
#include "apps/nodezero/terminal/quantities.hpp"
#include "model/kernels/kernels.hpp"
#include "model/storage/checkpoint.hpp"
#include "model/storage/digest.hpp"

namespace nodezero::apps {

namespace {

/// A path quoted for a shell where necessary.
std::string shell_quoted(const std::filesystem::path& path) {
  const auto text = path.string();
  const auto is_plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("/._-+,:@%=").find(c) != std::string_view::npos;
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) {
    return text;
  }
  std::string quoted = "'";
  for (const char c : text) {
    quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return quoted + "'";
}

std::string data_text(const DataSet& data) {
  auto text = fmt::format("{} tokens for training", grouped(data.training.size()));
  if (data.validation_tokens != nullptr) {
    text += fmt::format(", {} for validation", grouped(data.validation.size()));
  }
  return text + fmt::format(" ({} in {}, {})", bytes_text(data.bytes),
                            counted(data.files.size(), "file"),
                            data.tokenizer.kind() == model::Tokenizer::Kind::none
                                ? "token ids"
                                : std::string(value_name(data.tokenizer.kind())));
}

std::string spheres_text(const PreparedRun& run) {
  const auto nodes = actors::topology(run.options.spheres, run.options.symmetry);
  std::uint32_t levels = 0;
  for (const auto& node : nodes) {
    levels = std::max(levels, node.level);
  }
  return fmt::format("{}, {} on {} below node_zero; {}, routing {}",
                     counted(run.options.spheres, "worker"), counted(nodes.size(), "node"),
                     counted(levels, "level"), counted(run.plan.lanes, "lane"),
                     value_name(run.options.routing));
}

std::string kernels_text() {
  const std::string kernels = model::kernels_in_use();
  return kernels == "portable"
             ? kernels + ", which are right on any processor and some 100 times slower"
             : kernels;
}

}  // namespace

std::uint64_t epoch_count(const Plan& plan) {
  return static_cast<std::uint64_t>(std::max(1.0, std::ceil(plan.epochs)));
}

namespace {

/// What sets a model apart from GPT-2; empty for GPT-2 itself.
std::string family_text(const model::ModelConfig& config) {
  const model::ModelConfig gpt2;
  std::string text;
  const auto add = [&](bool differs, const std::string& what) {
    text += differs ? ", " + what : "";
  };
  add(config.inner_width() != 4 * config.width,
      fmt::format("inner width {}", config.inner_width()));
  add(config.activation != gpt2.activation, std::string(value_name(config.activation)));
  add(config.untied, "untied output");
  add(config.layer_norm_epsilon != gpt2.layer_norm_epsilon,
      fmt::format("layer norm epsilon {}", config.layer_norm_epsilon));
  add(config.unscaled_attention, "unscaled attention");
  add(config.inverse_layer_scaling, "inverse layer scaling");
  return text;
}

}  // namespace

std::string header_text(const PreparedRun& run) {
  const auto& training = run.options.training;
  const auto& config = training.model;
  const auto count = [](std::int64_t number, std::string_view noun) {
    return counted(static_cast<std::uint64_t>(number), noun);
  };
  std::string text = fmt::format("nodezero {}\n", NODEZERO_VERSION);
  const auto add = [&](const char* what, const std::string& value) {
    text += fmt::format("  {:<9}{}\n", what, value);
  };
  add("model",
      fmt::format("{} parameters: {}, {}, width {}, context {}, {}{}", grouped(run.plan.parameters),
                  count(config.layers, "layer"), count(config.heads, "head"), config.width,
                  config.context, count(config.vocabulary, "token id"), family_text(config)));
  add("data", data_text(run.data));
  add("steps", fmt::format("{} of {} tokens ({} of {}), {}", grouped(run.plan.steps),
                           grouped(run.plan.tokens_a_step),
                           counted(training.micro_batches, "micro-batch", "micro-batches"),
                           counted(training.sequences, "sequence"), epochs_text(run.plan.epochs)));
  add("spheres", spheres_text(run));
  add("kernels", kernels_text());
  add("memory", fmt::format("about {}", bytes_text(run.plan.total_bytes())));
  add("folder", run.folder->path().string());
  if (run.settings.resume) {
    add("resumed", fmt::format("after step {}", grouped(run.settings.resume->progress.step)));
  }
  return text;
}

nlohmann::json results_json(const actors::TrainingResult& result, const TrainingLog& log,
                            const char* end) {
  nlohmann::json results = {{"end", end},
                            {"steps", result.progress.step},
                            {"epoch", result.progress.epoch},
                            {"version", result.progress.version},
                            {"seconds", log.seconds()},
                            {"tokens_per_second", 0},
                            {"peak_memory_bytes", peak_memory()}};
  if (log.seconds() > 0) {
    results["tokens_per_second"] =
        std::round(static_cast<double>(log.session_tokens()) / log.seconds());
  }
  if (const auto step = log.last_step()) {
    results["training_loss"] = step->loss;
  }
  if (const auto evaluation = log.last_evaluation()) {
    results["validation_loss"] = evaluation->loss;
    results["validation_step"] = evaluation->step;
  }
  if (result.progress.best_validation_step > 0) {
    results["best_validation_loss"] = result.progress.best_validation_loss;
    results["best_validation_step"] = result.progress.best_validation_step;
  }
  if (result.weights != nullptr) {
    results["weights_sha256"] = model::digest(*result.weights);
  }
  if (result.optimizer != nullptr) {
    results["optimizer_sha256"] = model::digest(*result.optimizer);
  }
  if (!result.failure.empty()) {
    results["failure"] = result.failure;
  }
  return results;
}

std::string results_text(const PreparedRun& run, const actors::TrainingResult& result,
                         const nlohmann::json& results) {
  const bool finished = result.end == actors::TrainingResult::End::finished;
  std::string text =
      fmt::format("{} after step {} of {}: {}, {} tokens/s\n", finished ? "finished" : "stopped",
                  grouped(result.progress.step), grouped(run.plan.steps),
                  duration_text(results["seconds"].get<double>()),
                  grouped(results["tokens_per_second"].get<std::uint64_t>()));
  const auto add = [&](const char* what, const std::string& value) {
    text += fmt::format("  {:<12}{}\n", what, value);
  };
  if (results.contains("training_loss")) {
    add("training",
        fmt::format("loss {:.4f} in the last step", results["training_loss"].get<double>()));
  }
  if (results.contains("validation_loss")) {
    const auto step = results["validation_step"].get<std::uint64_t>();
    add("validation", fmt::format("loss {:.4f} after step {}",
                                  results["validation_loss"].get<double>(), grouped(step)));
  }
  if (result.progress.best_validation_step > 0) {
    add("best",
        fmt::format("loss {:.4f} after step {}, kept in {}", result.progress.best_validation_loss,
                    grouped(result.progress.best_validation_step),
                    (run.folder->path() / "best").string()));
  }
  if (results.contains("weights_sha256")) {
    add("weights", results["weights_sha256"].get<std::string>());
  }
  if (results.contains("optimizer_sha256")) {
    add("optimizer", results["optimizer_sha256"].get<std::string>());
  }
  if (!finished) {
    return text + resume_hint(run, result);
  }
  const auto folder = shell_quoted(run.folder->path());
  return text +
         (run.data.tokenizer.kind() == model::Tokenizer::Kind::none
              ? fmt::format("evaluate it: nodezero eval --model {} --split validation", folder)
              : fmt::format("try it: nodezero generate --model {} --prompt \"...\"", folder));
}

std::string resume_hint(const PreparedRun& run, const actors::TrainingResult& result) {
  const auto folder = run.folder->path();
  if (result.weights == nullptr && model::checkpoint_steps(folder).empty()) {
    return fmt::format(
        "nothing was saved before; begin again with: nodezero train --resume --out {}",
        shell_quoted(folder));
  }
  const auto kept = result.weights == nullptr
                        ? std::string("the last checkpoint")
                        : fmt::format("step {}", grouped(result.progress.step));
  return fmt::format("{} is saved in {}; continue with: nodezero train --resume --out {}", kept,
                     folder.string(), shell_quoted(folder));
}

}  // namespace nodezero::apps
