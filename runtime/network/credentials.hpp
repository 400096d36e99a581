// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "runtime/network/identity.hpp"

namespace nodezero::runtime::network {

/// What a machine shows to be let in: a secret, or a certificate of an authority of its user's.
struct Credentials {
  std::string secret;       ///< file; empty: certificates
  std::string certificate;  ///< files, all three or none
  std::string key;
  std::string authority;

  bool are_given() const { return !(secret + certificate + key + authority).empty(); }
  /// One of the two, and all of it.
  bool are_whole() const;
};

/// Fails with invalid_argument if they are not whole or a file cannot be used, with `failed` if the
/// cryptography library does.
Result<Identity> identity_of(const Credentials& credentials);

}  // namespace nodezero::runtime::network
