// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>

#include "apps/nodezero/options/given_options.hpp"
#include "model/storage/model_folder.hpp"

namespace nodezero::apps {

/// Reads the model that --init names, if there is one. The options take over its sizes and, if none
/// is given, its vocabulary.
/// @throws CommandError with exit_bad_input if it cannot be read, or other sizes or another
/// tokenizer are given
std::optional<model::ModelFolder> starting_model(const GivenOptions& given, TrainOptions& options);

}  // namespace nodezero::apps
