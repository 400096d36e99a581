// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/network/credentials.hpp"

namespace nodezero::runtime::network {

bool Credentials::are_whole() const {
  const bool has_files = !certificate.empty() && !key.empty() && !authority.empty();
  const bool has_some_file = !(certificate + key + authority).empty();
  return secret.empty() ? has_files : !has_some_file;
}

Result<Identity> identity_of(const Credentials& credentials) {
  const auto& [secret, certificate, key, authority] = credentials;
  if (!credentials.are_whole()) {
    return fail(ErrorCode::invalid_argument,
                "machines need a secret, or a certificate, a key and an authority, all three");
  }
  if (secret.empty()) {
    return identity_of(CertificateFiles{certificate, key, authority});
  }
  return read_secret(secret).and_then([](const Secret& read) { return identity_of(read); });
}

}  // namespace nodezero::runtime::network
