// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/hosts/credentials.hpp"

#include "apps/nodezero/common.hpp"
#include "runtime/network/secret.hpp"

namespace nodezero::apps {

runtime::network::Identity identity_from(const Credentials& credentials) {
  namespace network = runtime::network;
  const auto& [secret, certificate, key, authority] = credentials;
  const bool has_files = !certificate.empty() && !key.empty() && !authority.empty();
  const bool has_some_file = !(certificate + key + authority).empty();
  if (secret.empty() ? !has_files : has_some_file) {
    throw CommandError(exit_bad_input,
                       "give --secret FILE, or --certificate, --key and --ca, all three of them");
  }
  return secret.empty()
             ? unwrap(network::identity_of(network::CertificateFiles{certificate, key, authority}))
             : unwrap(network::identity_of(unwrap(network::read_secret(secret))), exit_failure);
}

}  // namespace nodezero::apps
