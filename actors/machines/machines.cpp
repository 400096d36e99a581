// SPDX-License-Identifier: BSD-3-Clause

// nodezero/hosts.hpp in terms of the actors.

#include "actors/embedding/machines.hpp"

#include <exception>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include "actors/hosts/hosts_of_run.hpp"
#include "actors/machines/lender.hpp"
#include "model/training/trained_model.hpp"
#include "nodezero/hosts.hpp"
#include "nodezero/version.h"
#include "runtime/network/credentials.hpp"
#include "runtime/network/secure_network.hpp"

namespace nodezero {
namespace {

namespace network = runtime::network;

Result<network::Identity> identity_of(const MachineCredentials& credentials) {
  const auto& [secret, certificate, key, authority] = credentials;
  return network::identity_of(network::Credentials{secret.string(), certificate.string(),
                                                   key.string(), authority.string()});
}

std::optional<Error> bad_times(std::chrono::seconds wait, std::chrono::milliseconds host_timeout) {
  if (wait < std::chrono::seconds(0) || host_timeout < std::chrono::milliseconds(100)) {
    return Error{ErrorCode::invalid_argument,
                 "wait must not be negative, and host_timeout at least 100 ms"};
  }
  return std::nullopt;
}

Machines::Others hosts_of_run(const ListenOptions& options, const network::Endpoint& endpoint) {
  auto identity = identity_of(options.credentials);
  if (!identity) {
    return fail(std::move(identity.error()));
  }
  auto access = std::make_shared<network::SecureNetwork>(
      std::move(*identity), network::SecureNetworkSettings{.listen = endpoint,
                                                           .host_timeout = options.host_timeout,
                                                           .on_refusal = options.on_refusal});
  return std::make_shared<actors::HostsOfRun>(
      actors::HostsOfRunSettings{.network = std::move(access),
                                 .version = NODEZERO_VERSION_STRING,
                                 .wanted = options.hosts,
                                 .wait = options.wait,
                                 .on_address = options.on_address});
}

}  // namespace

Result<std::shared_ptr<Machines>> listen(ListenOptions options) {
  const auto endpoint = network::parse_endpoint(options.address);
  if (!endpoint) {
    return fail(endpoint.error());
  }
  if (auto error = bad_times(options.wait, options.host_timeout)) {
    return fail(std::move(*error));
  }
  // Refused now what would be refused later.
  if (auto identity = identity_of(options.credentials); !identity) {
    return fail(std::move(identity.error()));
  }
  return std::make_shared<Machines>([options = std::move(options), endpoint = *endpoint] {
    return hosts_of_run(options, endpoint);
  });
}

Result<void> host(std::shared_ptr<const AnyTrainable> model, HostOptions options) {
  if (!model || !model->is_portable()) {
    return fail(ErrorCode::invalid_argument,
                model ? "a model whose batches cross to hosts needs encode and decode"
                      : "there is no model");
  }
  if (auto error = bad_times(options.wait, options.host_timeout)) {
    return fail(std::move(*error));
  }
  // Refused now what would be refused later.
  const auto root = network::parse_endpoint(options.connect);
  const auto endpoint = network::parse_endpoint(options.listen);
  if (!root || !endpoint) {
    return fail(root ? endpoint.error() : root.error());
  }
  try {
    auto trained = model::host_model(std::move(model));
    if (!trained) {
      return fail(std::move(trained.error()));
    }
    std::mutex speaking;
    actors::Lender lender({.root = options.connect,
                           .identity = [&] { return identity_of(options.credentials); },
                           .listen = *endpoint,
                           .name = options.name,
                           .threads = options.threads,
                           .memory = options.memory,
                           .wait = options.wait,
                           .host_timeout = options.host_timeout,
                           .trained = std::move(*trained),
                           .say =
                               [&](const std::string& line) {
                                 const std::lock_guard lock(speaking);
                                 if (options.on_notice) {
                                   options.on_notice(line);
                                 }
                               }});
    const std::stop_callback leave(options.stop, [&] { lender.leave(); });
    const auto end = lender.lend();
    if (!end) {
      return fail(end.error());
    }
    using Reason = actors::HostEnd::Reason;
    if (end->reason == Reason::refused || end->reason == Reason::failed) {
      return fail(end->reason == Reason::refused ? ErrorCode::invalid_argument : ErrorCode::failed,
                  end->text);
    }
    return {};
  } catch (const std::exception& error) {  // of the model, or of threads that cannot be started
    return fail(ErrorCode::internal, std::string("this host cannot begin: ") + error.what());
  }
}

}  // namespace nodezero
