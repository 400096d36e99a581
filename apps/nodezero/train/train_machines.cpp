// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/train/train_machines.hpp"

#include <chrono>
#include <cmath>
#include <system_error>

#include <fmt/format.h>

#include "actors/hosts/hosts_of_run.hpp"
#include "apps/nodezero/common.hpp"
#include "apps/nodezero/hosts/credentials.hpp"
#include "apps/nodezero/hosts/hosts_command.hpp"
#include "apps/nodezero/train/taken_up_run.hpp"
#include "model/files/atomic_file.hpp"
#include "runtime/network/secure_network.hpp"

namespace nodezero::apps {

void check_listening(const TrainRequest& request, const Listening& listening) {
  const bool has_credentials = listening.credentials.are_given();
  if (!listening.from.empty() && (!request.resume || !has_credentials)) {
    throw CommandError(exit_bad_input, "--from needs --resume, and --secret FILE of the run");
  }
  if (listening.address.empty() && listening.hosts > 0) {
    throw CommandError(exit_bad_input, "--hosts needs --listen ADDRESS");
  }
  if (listening.address.empty() && listening.from.empty() && has_credentials) {
    throw CommandError(exit_bad_input, "--secret and certificates need --listen ADDRESS");
  }
  if (!listening.address.empty()) {
    if (!has_credentials) {
      throw CommandError(exit_bad_input,
                         "--listen needs --secret FILE, on this machine alone too; make one with "
                         "nodezero secret > FILE");
    }
    unwrap(runtime::network::parse_endpoint(listening.address));
    identity_from(listening.credentials);
  }
}

std::shared_ptr<actors::OtherMachines> other_machines(
    const Listening& listening, const PreparedRun& run,
    const std::function<void(const std::string&)>& say) {
  if (listening.address.empty()) {
    return nullptr;
  }
  namespace network = runtime::network;
  auto access = std::make_shared<network::SecureNetwork>(
      identity_from(listening.credentials),
      network::SecureNetworkSettings{
          .listen = unwrap(network::parse_endpoint(listening.address)),
          .host_timeout = std::chrono::milliseconds(std::llround(1e3 * listening.host_timeout_s)),
          .on_refusal = [say](const std::string& who, const std::string& why) {
            say(fmt::format("a host at {} was sent away: {}", who, why));
          }});
  return std::make_shared<actors::HostsOfRun>(actors::HostsOfRunSettings{
      .network = std::move(access),
      .version = NODEZERO_VERSION,
      .files = files_for_taking_up(run),
      .audit = listening.audit,
      .wanted = listening.hosts,
      .wait = std::chrono::seconds(listening.wait_s),
      .on_address =
          [say, folder = run.folder->path()](const std::string& address) {
            unwrap(model::write_file_atomically(folder / network::address_file, address + "\n"),
                   exit_failure);
            say("hosts can connect to " + address);
          },
      .on_status = [folder = run.folder->path()](
                       const actors::HostsStatus& status) { write_hosts(folder, status); }});
}

void forget_machines(const std::filesystem::path& folder) {
  std::error_code ignored;
  for (const char* name : {runtime::network::address_file, hosts_file}) {
    std::filesystem::remove(folder / name, ignored);
  }
}

}  // namespace nodezero::apps
