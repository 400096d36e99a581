// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "actors/errors.hpp"
#include "model/gpt2/model_config.hpp"
#include "model/text/tokenizer.hpp"

namespace nodezero::actors {

/// What a server says about the model that it answers with.
struct ServedModel {
  std::string id = {};  ///< its name in requests
  model::ModelConfig config = {};
  model::Tokenizer tokenizer;
  std::int64_t created = 0;  ///< seconds since 1970
  std::string digest = {};   ///< of weights that never change; empty if they do
  std::filesystem::path folder =
      {};                          ///< of the run whose earlier versions may be asked for, or none
  bool has_chat_template = false;  ///< its folder has one
  Envelope start = {};             ///< of the first weights, if it trains

  /// One line for whoever wants to chat with it.
  std::string why_no_chat() const;
};

/// Who may ask, and how much.
struct ServingOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;  ///< 0: any that is free
  std::string key = {};       ///< that every request but /health must bring; empty: none
  std::vector<std::string> origins = {};  ///< of pages that browsers may let ask; "*": any

  std::size_t connections = 1000;
  std::uint32_t together = 32;      ///< requests that a lane generates together, at most
  std::size_t queue = 1000;         ///< requests for text that wait or are being answered
  std::size_t kept_versions = 4;    ///< earlier versions that are answered from at a time
  std::int64_t most_tokens = 4096;  ///< of one choice
  std::size_t most_choices = 128;   ///< of one request
  std::chrono::milliseconds idle_time = std::chrono::seconds(75);     ///< between requests
  std::chrono::milliseconds request_time = std::chrono::seconds(20);  ///< for a request to come in
  std::chrono::milliseconds write_time = std::chrono::seconds(30);    ///< without a byte taken
  std::size_t unsent = 4'000'000;  ///< bytes that a client may leave untaken
  std::chrono::milliseconds drain_time = std::chrono::seconds(5);  ///< for answers after a stop
  /// What the training waits for, if it does not go on: one paragraph for /health. May be null.
  std::function<std::string()> waits_for = {};

  /// Choices that one request may ask for. The queue could never hold more, however often a client
  /// tries again.
  std::size_t choices_of_a_request() const { return std::min(most_choices, queue); }
};

/// Weights that answer.
struct VersionName {
  Envelope envelope = {};
  std::string digest = {};  ///< empty: nobody has computed it, as for those of a step just done
};

/// In one word. Weights that are of no run have their digest alone.
std::string fingerprint_of(const VersionName& version);

/// The same in full, for a header.
std::string description_of(const VersionName& version);

/// "NAME@step-500" asks for an earlier version of the model NAME; no step for NAME itself.
struct AskedModel {
  std::string name;
  std::optional<std::uint64_t> step = std::nullopt;
};
AskedModel asked_model(const std::string& text);

}  // namespace nodezero::actors
