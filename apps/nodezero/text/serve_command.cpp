// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/text/serve_command.hpp"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "actors/serving/model_server.hpp"
#include "apps/nodezero/common.hpp"
#include "apps/nodezero/process/processors.hpp"
#include "apps/nodezero/process/signals.hpp"
#include "apps/nodezero/text/model_source.hpp"
#include "formats/bounded_json.hpp"
#include "model/files/atomic_file.hpp"
#include "model/storage/checkpoint.hpp"
#include "model/storage/digest.hpp"

namespace nodezero::apps {

namespace {

/// Where earlier versions are, if the model is a run's.
std::filesystem::path run_folder(const std::filesystem::path& model) {
  return model::checkpoint_steps(model).empty() ? std::filesystem::path() : model;
}

/// As transformers saves one.
bool has_chat_template(const std::filesystem::path& model) {
  if (std::filesystem::exists(model / "chat_template.jinja")) {
    return true;
  }
  const auto text = model::read_file(model / "tokenizer_config.json");
  if (!text) {
    return false;
  }
  const auto config = formats::read_json(*text);
  return config && config->is_object() && config->contains("chat_template") &&
         !config->at("chat_template").is_null();
}

actors::ModelServerSettings server_settings(const ServeOptions& options,
                                            actors::ServingOptions serving, std::uint32_t lanes) {
  auto model = open_model(options.model);
  const auto created = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::system_clock::now().time_since_epoch());
  return {.model = {.id = options.name.empty() ? name_of_model(options.model) : options.name,
                    .config = model.config,
                    .tokenizer = text_tokenizer(model, options.model),
                    .created = created.count(),
                    .digest = model::digest(*model.weights),
                    .folder = run_folder(options.model),
                    .has_chat_template = has_chat_template(options.model)},
          .weights = model.weights,
          .precision = options.precision,
          .lanes = lanes,
          .options = std::move(serving)};
}

}  // namespace

void serve_command(const ServeOptions& options) {
  const SignalBlock signals;  // before any thread
  const auto serving = serving_options(options.port, options.serving);
  const auto lanes = options.threads == 0 ? available_processors().count : options.threads;
  const auto server = unwrap(actors::ModelServer::open(serving, lanes), exit_failure);
  const SignalWatcher watcher(
      signals, [&] { server->drain(); }, [] {});
  const auto settings = server_settings(options, serving, lanes);
  server->serve(settings);
  fmt::print("serving '{}' at {}\n", settings.model.id, url_of(settings.options, server->port()));
  fmt::print("  weights  {}\n", settings.model.digest);
  std::fflush(stdout);
  server->wait();
}

}  // namespace nodezero::apps
