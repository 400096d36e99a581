// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "model/text/corpus.hpp"
#include "nodezero/error.hpp"

namespace nodezero::oracle {

/// The value of a result.
/// @throws std::runtime_error with the error's message
template <class T>
T value_of(Result<T> result) {
  if (!result) {
    throw std::runtime_error(result.error().message);
  }
  return std::move(*result);
}

/// @throws std::runtime_error
nlohmann::json read_json(const std::filesystem::path& file);

/// The tokenizer of that alphabet, whose characters have the ids 0, 1, ...
/// @throws std::runtime_error
model::Tokenizer alphabet(std::string_view chars);

/// A text as ids of an alphabet.
/// @throws std::runtime_error
std::shared_ptr<const model::TokenSource> read_text(const std::filesystem::path& file,
                                                    const model::Tokenizer& tokenizer);

/// The values of a file of NumPy's form that holds little-endian float32 in C order.
/// @throws std::runtime_error
std::vector<float> read_npy(const std::filesystem::path& file);

}  // namespace nodezero::oracle
