// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// A trainer on several machines. Who uses this links NodeZero::hosts in place of NodeZero::actors:
// the same library with a network.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "nodezero/error.hpp"
#include "nodezero/export.h"
#include "nodezero/trainable.hpp"
#include "nodezero/trainer.hpp"

namespace nodezero {

/// What the machines of a run show each other to be let in: a secret that they have in common, as
/// `nodezero secret` makes them, or certificates of an authority of the user's own. Files that
/// others than their owner may read are refused.
struct MachineCredentials {
  std::filesystem::path secret;
  std::filesystem::path certificate;  ///< PEM files, all three in place of the secret
  std::filesystem::path key;
  std::filesystem::path authority;
};

struct ListenOptions {
  std::string address = ":4720";  ///< "1.2.3.4:port", "name:port", ":port" or "[::1]:port"
  MachineCredentials credentials;
  std::uint32_t hosts = 0;         ///< without which the first step is not begun
  std::chrono::seconds wait{600};  ///< for them; then the trainer fails
  /// Without a sign of life for so long a host is taken for dead.
  std::chrono::milliseconds host_timeout = std::chrono::seconds(5);
  /// Where hosts can connect to; in the call that creates the trainer. May be empty.
  std::function<void(const std::string& address)> on_address;
  /// Somebody was sent away: who, and why; on a thread of the network. May be empty.
  std::function<void(const std::string& who, const std::string& why)> on_refusal;
};

/// Lets other machines compute a share of each step of a trainer: for TrainerOptions::machines, of
/// one trainer at a time. The weights are the same, bit for bit, whoever takes part and whoever is
/// lost. Of hosts that come and go TrainerOptions::on_notice hears. A `save` or `restore` ends
/// their part; they come back by themselves and keep what is still right.
///
/// invalid_argument for an address or credentials that cannot be used. Nothing is listened to
/// before the trainer is created.
NODEZERO_EXPORT Result<std::shared_ptr<Machines>> listen(ListenOptions options);

struct HostOptions {
  std::string connect;  ///< the root's address
  MachineCredentials credentials;
  std::string name;                ///< letters, digits, '.', '-', '_'; empty: this machine's
  std::uint32_t threads = 0;       ///< lanes; 0: all cores
  std::uint64_t memory = 0;        ///< bytes that the run may take here; 0: as many as it needs
  std::string listen = ":0";       ///< for the other hosts
  std::chrono::seconds wait{600};  ///< for a root that is not there, or not there any more
  std::chrono::milliseconds host_timeout = std::chrono::seconds(5);
  /// What happens, in one line each; on several threads, one at a time. May be empty.
  std::function<void(const std::string& line)> on_notice;
  std::stop_token stop;  ///< leaves the run in order
};

/// Lends this machine's cores to the trainer at that address, which must have the same model: its
/// identity and its tensors are compared. The model needs no data here; batches come from the root.
/// Returns when that run has ended or `stop` was requested. invalid_argument for options that
/// cannot work, or if the root refuses this machine; timed_out without a root; failed if something
/// here fails.
NODEZERO_EXPORT Result<void> host(std::shared_ptr<const AnyTrainable> model, HostOptions options);
/// The same for a model of any Portable type.
template <Portable Model>
Result<void> host(Model model, HostOptions options) {
  return host(make_trainable(std::move(model)), std::move(options));
}

}  // namespace nodezero
