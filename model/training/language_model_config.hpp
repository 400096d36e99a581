// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "model/gpt2/model_config.hpp"
#include "nodezero/language_model.hpp"

namespace nodezero::model {

/// What a host's sizes mean.
ModelConfig config_of(const LanguageModel::Sizes& sizes);

}  // namespace nodezero::model
