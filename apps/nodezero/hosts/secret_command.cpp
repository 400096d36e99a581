// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/hosts/secret_command.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "apps/nodezero/common.hpp"
#include "runtime/network/secret.hpp"

namespace nodezero::apps {

void secret_command(bool print) {
  if (::isatty(STDOUT_FILENO) != 0 && !print) {
    throw CommandError(
        exit_bad_input,
        "a secret does not belong on a terminal; write nodezero secret > run.secret, "
        "or give --print");
  }
  struct stat status {};
  if (::fstat(STDOUT_FILENO, &status) == 0 && S_ISREG(status.st_mode) &&
      ::fchmod(STDOUT_FILENO, S_IRUSR | S_IWUSR) != 0) {
    throw CommandError(exit_failure, "the file for the secret cannot be kept from others");
  }
  const std::string secret = unwrap(runtime::network::new_secret(), exit_failure);
  if (std::fwrite(secret.data(), 1, secret.size(), stdout) != secret.size() ||
      std::fflush(stdout) != 0) {
    throw CommandError(exit_failure, "the secret cannot be written");
  }
}

}  // namespace nodezero::apps
