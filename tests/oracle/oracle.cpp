// SPDX-License-Identifier: BSD-3-Clause
#include "tests/oracle/oracle.hpp"

#include "model/storage/model_folder.hpp"
#include "model/storage/safetensors.hpp"
#include "tests/oracle/listed_windows.hpp"
#include "tests/oracle/reading.hpp"

namespace nodezero::oracle {

namespace {

/// What one epoch of the stored steps is, with a learning rate that does not change.
model::TrainingConfig training_config(const nlohmann::json& steps,
                                      const model::ModelConfig& model) {
  const double rate = steps.at("learning_rate");
  model::TrainingConfig config;
  config.model = model;
  config.optimizer = {.learning_rate = rate,
                      .min_learning_rate = rate,
                      .warmup = 0,
                      .beta1 = steps.at("betas").at(0),
                      .beta2 = steps.at("betas").at(1),
                      .epsilon = steps.at("epsilon"),
                      .weight_decay = steps.at("weight_decay"),
                      .clip = steps.at("clip_norm")};
  config.sequences = steps.at("batch");
  config.micro_batches = steps.at("micro_batches");
  config.epochs = 1;
  config.steps = steps.at("steps").size();
  return config;
}

}  // namespace

Oracle read_oracle(const std::filesystem::path& folder) {
  const auto steps = read_json(folder / "steps.json");
  const auto initial = value_of(model::load_model_folder(folder / "init"));
  const auto final = value_of(model::load_model_folder(folder / "final"));
  auto gradient = std::make_shared<model::Gradient>(initial.weights->layout());
  if (const auto read =
          model::read_safetensors(folder / "gradients_step0.safetensors", "", *gradient);
      !read) {
    throw std::runtime_error(read.error().message);
  }

  Oracle oracle;
  std::vector<std::vector<std::vector<std::uint64_t>>> offsets;
  for (const auto& step : steps.at("steps")) {
    oracle.losses.push_back(step.at("loss"));
    offsets.push_back(step.at("offsets"));
  }
  oracle.first_gradient = std::move(gradient);
  oracle.final_weights = final.weights;
  oracle.settings.training = training_config(steps, initial.config);
  oracle.settings.initial_weights = initial.weights;
  const auto text = folder.lexically_normal() / ".." / steps.at("text").get<std::string>();
  oracle.settings.training_batches = std::make_shared<ListedWindows>(
      read_text(text, alphabet(steps.at("chars").get<std::string>())),
      steps.at("context").get<std::int64_t>(), std::move(offsets));
  return oracle;
}

}  // namespace nodezero::oracle
