// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "runtime/network/identity.hpp"

namespace nodezero::apps {

/// What a machine shows to be let in: a secret, or a certificate of an authority of its user's.
struct Credentials {
  std::string secret;       ///< file; empty: certificates
  std::string certificate;  ///< files, all three or none
  std::string key;
  std::string authority;

  bool are_given() const { return !(secret + certificate + key + authority).empty(); }
};

/// @throws CommandError with exit_bad_input if files are missing or cannot be used
runtime::network::Identity identity_from(const Credentials& credentials);

}  // namespace nodezero::apps
