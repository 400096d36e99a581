// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "actors/serving/model_server.hpp"
#include "model/gpt2/generation.hpp"
#include "tests/serving/support/http_client.hpp"

namespace nodezero::test {

/// Settings for a model of bytes with weights that are drawn large enough that it has opinions.
actors::ModelServerSettings small_model(std::int64_t context = 48, std::uint64_t seed = 1);

/// That model behind a port.
class SmallServer {
 public:
  explicit SmallServer(actors::ModelServerSettings settings = small_model());

  HttpClient connect() const { return HttpClient(server_->port()); }
  actors::ModelServer& server() { return *server_; }
  const actors::ModelServerSettings& settings() const { return settings_; }

  /// The ids that are generated without a server.
  std::vector<std::int32_t> offline(const std::string& prompt, std::int64_t tokens,
                                    const model::SamplingOptions& options) const;
  /// Their text.
  std::string offline_text(const std::string& prompt, std::int64_t tokens,
                           const model::SamplingOptions& options) const;

  /// Asks for a completion of `body` and reads the answer, which must have that status.
  nlohmann::json complete(nlohmann::json body, int status = 200) const;

 private:
  actors::ModelServerSettings settings_;
  std::unique_ptr<actors::ModelServer> server_;
};

}  // namespace nodezero::test
