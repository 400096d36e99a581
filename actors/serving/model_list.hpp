// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "actors/serving/served_model.hpp"

namespace nodezero::actors {

/// The answer to GET /v1/models: the model, then its earlier versions that are kept, the newest
/// first.
std::string list_of_models(const ServedModel& model, const VersionName& version);

/// The answer to GET /v1/models/ID; none if there is no such model.
std::optional<std::string> description_of_model(const ServedModel& model,
                                                const VersionName& version, std::string_view id);

}  // namespace nodezero::actors
