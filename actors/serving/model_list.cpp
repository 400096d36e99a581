// SPDX-License-Identifier: BSD-3-Clause
#include "actors/serving/model_list.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "model/storage/checkpoint.hpp"

namespace nodezero::actors {
namespace {

using nlohmann::ordered_json;

ordered_json describe(const ServedModel& model, const std::string& id) {
  return {{"id", id},
          {"object", "model"},
          {"created", model.created},
          {"owned_by", "nodezero"},
          {"context", model.config.context}};
}

ordered_json models(const ServedModel& model, const VersionName& version) {
  auto newest = describe(model, model.id);
  const auto& envelope = version.envelope;
  newest["run"] = fmt::format("{:016x}", envelope.run);
  newest["epoch"] = envelope.epoch;
  newest["step"] = envelope.step;
  newest["version"] = envelope.version;
  const auto& digest = version.digest.empty() ? model.digest : version.digest;
  newest["digest"] = digest.empty() ? ordered_json() : ordered_json(digest);
  auto all = ordered_json::array({newest});
  if (!model.folder.empty()) {
    for (const auto step : model::checkpoint_steps(model.folder)) {
      auto earlier = describe(model, fmt::format("{}@step-{}", model.id, step));
      earlier["step"] = step;
      all.push_back(std::move(earlier));
    }
  }
  return all;
}

}  // namespace

std::string list_of_models(const ServedModel& model, const VersionName& version) {
  ordered_json list = {{"object", "list"}};
  list["data"] = models(model, version);
  return list.dump();
}

std::optional<std::string> description_of_model(const ServedModel& model,
                                                const VersionName& version, std::string_view id) {
  for (const auto& each : models(model, version)) {
    if (each["id"] == id) {
      return each.dump();
    }
  }
  return std::nullopt;
}

}  // namespace nodezero::actors
