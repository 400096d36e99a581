// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/hosts/credentials.hpp"

#include <utility>

#include "apps/nodezero/common.hpp"

namespace nodezero::apps {

runtime::network::Identity identity_from(const Credentials& credentials) {
  if (!credentials.are_whole()) {
    throw CommandError(exit_bad_input,
                       "give --secret FILE, or --certificate, --key and --ca, all three of them");
  }
  auto identity = identity_of(credentials);
  const bool is_bad_input = !identity && identity.error().code == ErrorCode::invalid_argument;
  return unwrap(std::move(identity), is_bad_input ? exit_bad_input : exit_failure);
}

}  // namespace nodezero::apps
