// SPDX-License-Identifier: BSD-3-Clause
#include "actors/run/checkpointer.hpp"

#include <exception>
#include <utility>

#include "model/storage/checkpoint.hpp"
#include "model/storage/model_folder.hpp"

namespace nodezero::actors {
namespace {

caf::error not_saved(const Envelope& envelope, Error error) {
  error.place = at(envelope);
  return make_error(std::move(error));
}

}  // namespace

checkpointer::checkpointer(caf::actor_config& config, std::filesystem::path folder,
                           model::ModelConfig model, std::optional<model::Tokenizer> tokenizer,
                           std::uint32_t keep)
    : recorded(config),
      folder_(std::move(folder)),
      model_(model),
      tokenizer_(std::move(tokenizer)),
      checkpoints_(folder_, keep) {}

checkpointer::behavior_type checkpointer::make_behavior() {
  return {
      [this](const save& request) { return write(request); },
      [this](const save_best& request) { return write(request); },
  };
}

caf::result<saved> checkpointer::write(const save& request) {
  if (folder_.empty()) {
    return saved{request.envelope, {}};
  }
  try {
    const auto path = checkpoints_.write(request.checkpoint);
    if (!path) {
      return not_saved(request.envelope, path.error());
    }
    if (const auto done = write_model(folder_, *request.checkpoint.weights); !done) {
      return not_saved(request.envelope, done.error());
    }
    return saved{request.envelope, path->string()};
  } catch (const std::exception& error) {
    return not_saved(request.envelope, {ErrorCode::internal, error.what()});
  }
}

caf::result<saved> checkpointer::write(const save_best& request) {
  if (folder_.empty()) {
    return saved{request.envelope, {}};
  }
  try {
    const auto path = folder_ / "best";
    if (const auto done = write_model(path, *request.weights); !done) {
      return not_saved(request.envelope, done.error());
    }
    return saved{request.envelope, path.string()};
  } catch (const std::exception& error) {
    return not_saved(request.envelope, {ErrorCode::internal, error.what()});
  }
}

Result<void> checkpointer::write_model(const std::filesystem::path& folder,
                                       const model::Parameters& weights) const {
  std::filesystem::create_directories(folder);
  return model::save_model_folder(folder, model_, weights,
                                  tokenizer_.value_or(model::Tokenizer::none(model_.vocabulary)));
}

}  // namespace nodezero::actors
