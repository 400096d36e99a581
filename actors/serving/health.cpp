// SPDX-License-Identifier: BSD-3-Clause
#include "actors/serving/health.hpp"

#include <nlohmann/json.hpp>

namespace nodezero::actors {

std::string health_json(const ServingOptions& options) {
  nlohmann::ordered_json health = {{"status", "ok"}};
  if (const auto open = options.waits_for ? options.waits_for() : std::string(); !open.empty()) {
    health["waits_for"] = open;
  }
  return health.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

}  // namespace nodezero::actors
