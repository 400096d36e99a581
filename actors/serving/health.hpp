// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "actors/serving/served_model.hpp"

namespace nodezero::actors {

/// What /health answers while requests are taken: `status`, and `waits_for` if a model is training
/// and its training does not go on.
std::string health_json(const ServingOptions& options);

}  // namespace nodezero::actors
