// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/train/plan.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/terminal/quantities.hpp"
#include "model/gpt2/decoder_weights.hpp"
#include "model/gpt2/gpt2.hpp"
#include "model/gpt2/gpt2_layout.hpp"
#include "model/gpt2/key_value_cache.hpp"

namespace nodezero::apps {

namespace {

constexpr std::uint64_t float_size = 4;
/// What the program holds whatever it trains: code, libraries and their generated kernels.
constexpr std::uint64_t program_bytes = 30'000'000;
/// What a sphere and the lanes hold of a micro-batch beside its tokens until it has been computed.
constexpr std::uint64_t request_bytes = 1'200;

/// Refuses sizes whose products would not fit 64 bits; no machine holds them anyway.
void check_representable(const model::TrainingConfig& training) {
  const auto& model = training.model;
  const auto width = static_cast<double>(model.width);
  const auto inner = static_cast<double>(model.inner_width());
  const auto rows = static_cast<double>(training.sequences) * static_cast<double>(model.context);
  const auto layers = static_cast<double>(model.layers);
  const double activations =
      rows * layers * (width * 12 + inner * 2 + static_cast<double>(model.heads) * model.context);
  const double bytes = 4 * (model.parameters() * 4 + activations);
  if (bytes > 1e16) {
    throw CommandError(
        exit_bad_input,
        fmt::format("a model of this size needs about {:.1g} GB of memory: choose fewer --layers "
                    "or a smaller --width",
                    bytes / 1e9));
  }
}

/// The micro-batches that are planned at a time: those of a step, of the next, and of a part of a
/// validation, while the lanes still know the part before it.
Plan::Memory planned_micro_batches(const actors::RunSettings& settings) {
  const auto& training = settings.training;
  std::uint64_t count = std::uint64_t{2} * training.micro_batches;
  if (const auto& validation = settings.validation_batches) {
    count += std::min<std::uint64_t>(2, validation->steps_in_epoch(0)) *
             validation->micro_batches_in_step(0, 0);
  }
  const auto tokens = training.sequences * static_cast<std::uint64_t>(training.model.context);
  const std::uint64_t bytes = 2 * sizeof(std::int32_t) * tokens + request_bytes;
  return {"micro-batches", fmt::format("{} x {}", grouped(count), bytes_text(bytes)),
          count * bytes};
}

std::uint64_t evaluation_count(const actors::RunSettings& settings, std::uint64_t steps,
                               std::uint64_t steps_an_epoch) {
  if (settings.validation_batches == nullptr || steps == 0) {
    return 0;
  }
  const auto boundaries = (steps + steps_an_epoch - 1) / steps_an_epoch;
  const auto between = settings.evaluate_every == 0 ? 0 : (steps - 1) / settings.evaluate_every;
  return boundaries + between;
}

}  // namespace

std::uint64_t Plan::total_bytes() const {
  std::uint64_t sum = 0;
  for (const auto& part : memory) {
    sum += part.bytes;
  }
  return sum;
}

std::uint32_t gradient_buffers(std::uint32_t lanes, std::uint32_t micro_batches) {
  const auto levels = static_cast<std::uint32_t>(std::bit_width(micro_batches - 1));
  return std::min(lanes + levels + 2, micro_batches);
}

Plan make_plan(const actors::RunSettings& settings, const DataSet& data) {
  const auto& training = settings.training;
  const auto& config = training.model;
  check_representable(training);
  const auto layout = model::gpt2_layout(config);
  const std::uint64_t set_bytes = layout->buffer_size() * float_size;

  Plan plan;
  plan.parameters = layout->parameter_count();
  plan.lanes = actors::lane_count(settings);
  const auto buffers = gradient_buffers(plan.lanes, training.micro_batches);
  const std::uint64_t workspace =
      model::workspace_bytes(config, training.precision, training.sequences);
  plan.memory = {
      {"program", "with its libraries", program_bytes},
      {"weights", "", set_bytes},
      {"moments of AdamW", "2 x weights", 2 * set_bytes},
      {"gradients", fmt::format("{} x weights", buffers), buffers * set_bytes},
      {"workspace", fmt::format("{} x {}", counted(plan.lanes, "lane"), bytes_text(workspace)),
       plan.lanes * workspace},
      planned_micro_batches(settings)};
  const std::uint64_t cache = model::KeyValueCache::bytes(config);
  if (settings.most_versions > 0) {
    const std::uint64_t together = std::uint64_t{plan.lanes} * settings.generate_together;
    plan.memory.push_back(
        {"serving",
         fmt::format("{} of the weights, stored and {}, and {}",
                     counted(settings.most_versions, "version"),
                     training.precision == model::Precision::fp32 ? "packed" : "rounded",
                     counted(together, "key-value cache")),
         settings.most_versions *
                 (set_bytes + model::DecoderWeights::bytes(config, training.precision)) +
             together * cache});
  }
  if (settings.inference != actors::InferencePolicy::refuse) {
    plan.memory.push_back(
        {"inference", "one version of the weights and a key-value cache", set_bytes + cache});
  }
  plan.memory.push_back(
      {"checkpoint", "copy of weights and moments while it is being written", 3 * set_bytes});
  if (data.tokenizer.kind() == model::Tokenizer::Kind::chars) {
    auto tokens = data.training_tokens->size();
    if (data.validation_tokens != nullptr && data.validation_tokens != data.training_tokens) {
      tokens += data.validation_tokens->size();
    }
    plan.memory.push_back({"text", "2 bytes per character", 2 * tokens});
  }

  const auto& batches = *settings.training_batches;
  const auto steps_an_epoch = std::max<std::uint64_t>(1, batches.steps_in_epoch(0));
  plan.steps = actors::total_steps(settings);
  plan.epochs = training.steps == 0
                    ? static_cast<double>(training.epochs)
                    : static_cast<double>(plan.steps) / static_cast<double>(steps_an_epoch);
  plan.tokens_a_step = std::uint64_t{training.micro_batches} * training.sequences *
                       static_cast<std::uint64_t>(config.context);
  plan.training_tokens =
      static_cast<std::uint64_t>(plan.epochs * static_cast<double>(data.training.size() - 1));
  plan.evaluations = evaluation_count(settings, plan.steps, steps_an_epoch);
  if (data.validation_tokens != nullptr) {
    plan.evaluation_tokens = data.evaluation.size() - 1;
  }
  return plan;
}

void check_memory(const Plan& plan, std::uint64_t available) {
  if (plan.total_bytes() <= available) {
    return;
  }
  std::string parts;
  for (const auto& part : plan.memory) {
    parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", part.what, bytes_text(part.bytes));
  }
  throw CommandError(
      exit_bad_input,
      fmt::format("the run needs about {} of memory, but only {} is available ({}): choose a "
                  "smaller model, --batch or --threads",
                  bytes_text(plan.total_bytes()), bytes_text(available), parts));
}

std::string to_string(const Plan& plan, std::uint64_t available, double seconds) {
  std::string text;
  const auto add = [&](const char* what, const std::string& value) {
    text += fmt::format("{:<12}{}\n", what, value);
  };
  add("parameters", grouped(plan.parameters));
  add("memory",
      fmt::format("{} of {} available", bytes_text(plan.total_bytes()), bytes_text(available)));
  for (const auto& part : plan.memory) {
    text += fmt::format("  {:<18}{:>10}  {}", part.what, bytes_text(part.bytes), part.detail);
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
  }
  add("lanes", fmt::format("{} ({})", plan.lanes, plan.lanes_from));
  add("steps", fmt::format("{}, {}", grouped(plan.steps), epochs_text(plan.epochs)));
  add("tokens", fmt::format("{} per step, {} in total", grouped(plan.tokens_a_step),
                            grouped(plan.training_tokens)));
  add("validation", plan.evaluations == 0 ? "none"
                                          : fmt::format("{} x {} tokens", plan.evaluations,
                                                        grouped(plan.evaluation_tokens)));
  if (seconds >= 0) {
    add("time", fmt::format("about {} on {} (estimated from one micro-batch)",
                            duration_text(seconds), counted(plan.lanes, "lane")));
  }
  return text;
}

nlohmann::ordered_json plan_as_json(const Plan& plan, std::uint64_t available, double seconds) {
  auto parts = nlohmann::ordered_json::array();
  for (const auto& part : plan.memory) {
    parts.push_back({{"what", part.what}, {"detail", part.detail}, {"bytes", part.bytes}});
  }
  return {
      {"parameters", plan.parameters},
      {"memory",
       {{"bytes", plan.total_bytes()}, {"available", available}, {"parts", std::move(parts)}}},
      {"lanes", plan.lanes},
      {"lanes_from", plan.lanes_from},
      {"steps", plan.steps},
      {"epochs", plan.epochs},
      {"tokens_per_step", plan.tokens_a_step},
      {"training_tokens", plan.training_tokens},
      {"evaluations", plan.evaluations},
      {"evaluation_tokens", plan.evaluation_tokens},
      {"seconds", seconds < 0 ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(seconds)}};
}

}  // namespace nodezero::apps
