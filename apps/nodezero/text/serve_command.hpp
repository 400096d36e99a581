// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/nodezero/serving/serving_options.hpp"
#include "model/kernels/precision.hpp"

namespace nodezero::apps {

struct ServeOptions {
  std::string model;
  std::string name;  ///< of the model in requests; empty: that of the folder
  std::string port = "8080";
  ServingFlags serving;
  std::uint32_t threads = 0;  ///< 0: one per core
  model::Precision precision = model::Precision::fp32;
};

/// Serves a model until a signal ends the program.
/// @throws CommandError
void serve_command(const ServeOptions& options);

}  // namespace nodezero::apps
