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

checkpointer::checkpointer(caf::actor_config& config, const RunSettings& settings)
    : recorded(config),
      folder_(settings.folder),
      before_saving_(settings.before_saving),
      model_(settings.training.model),
      companions_(settings.checkpoint_context.companions),
      checkpoints_(folder_, settings.keep, settings.checkpoint_context) {}

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
    if (const auto allowed = may_save(&request.checkpoint); !allowed) {
      return not_saved(request.envelope, allowed.error());
    }
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
    if (const auto allowed = may_save(nullptr); !allowed) {
      return not_saved(request.envelope, allowed.error());
    }
    const auto path = folder_ / "best";
    if (const auto done = write_model(path, *request.weights); !done) {
      return not_saved(request.envelope, done.error());
    }
    return saved{request.envelope, path.string()};
  } catch (const std::exception& error) {
    return not_saved(request.envelope, {ErrorCode::internal, error.what()});
  }
}

Result<void> checkpointer::may_save(const model::Checkpoint* checkpoint) const {
  if (!before_saving_) {
    return {};
  }
  return before_saving_(checkpoint).map_error([](Error error) {
    return Error{ErrorCode::failed, std::move(error.message)};
  });
}

Result<void> checkpointer::write_model(const std::filesystem::path& folder,
                                       const model::Parameters& weights) const {
  std::filesystem::create_directories(folder);
  return model::save_model_folder(folder, model_, weights, companions_);
}

}  // namespace nodezero::actors
