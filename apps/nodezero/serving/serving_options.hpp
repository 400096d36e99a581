// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "actors/serving/served_model.hpp"

namespace nodezero::apps {

/// What people say about who may ask and how much.
struct ServingFlags {
  std::string key;
  std::string key_file;  ///< instead of `key`
  std::vector<std::string> origins;
  std::uint64_t connections = 1000;
  std::uint64_t queue = 1000;
  std::int64_t most_tokens = 4096;
};

/// The settings for a server at `place`, [ADDRESS:]PORT. An address that other machines can reach
/// needs a key.
/// @throws CommandError that says what is missing
actors::ServingOptions serving_options(const std::string& place, const ServingFlags& flags);

/// What a model is called in requests: the name of its folder or file.
std::string name_of_model(const std::filesystem::path& path);

/// http://ADDRESS:PORT, as a browser takes it.
std::string url_of(const actors::ServingOptions& options, std::uint16_t port);

}  // namespace nodezero::apps
