// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/network/secret.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <openssl/rand.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace nodezero::runtime::network {
namespace {

constexpr std::string_view beginning = "nodezero-secret-1 ";

tl::unexpected<Error> refuse(const std::filesystem::path& path, const std::string& why) {
  return fail(ErrorCode::invalid_argument, fmt::format("the secret '{}' {}", path.string(), why));
}

}  // namespace

Result<std::string> new_secret() {
  Secret secret;
  auto* const bytes = reinterpret_cast<unsigned char*>(secret.bytes.data());
  if (RAND_priv_bytes(bytes, static_cast<int>(secret.bytes.size())) != 1) {
    return fail(ErrorCode::failed, "the system gives no random numbers for a secret");
  }
  std::string text(beginning);
  for (const std::byte byte : secret.bytes) {
    text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  }
  return text + "\n";
}

Result<void> check_kept_from_others(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return refuse(path, fmt::format("cannot be read: {}", std::strerror(errno)));
  }
  if (S_ISREG(status.st_mode) && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return refuse(path, fmt::format("can be read by others; use chmod 600 '{}'", path.string()));
  }
  return {};
}

Result<Secret> read_secret(const std::filesystem::path& path) {
  if (const auto kept = check_kept_from_others(path); !kept) {
    return tl::unexpected(kept.error());
  }
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (file < 0) {
    return refuse(path, fmt::format("cannot be read: {}", std::strerror(errno)));
  }
  std::array<char, 128> buffer{};
  const auto size = ::read(file, buffer.data(), buffer.size());
  ::close(file);
  if (size < 0) {
    return refuse(path, "cannot be read");
  }
  std::string_view text(buffer.data(), static_cast<std::size_t>(size));
  if (text.ends_with('\n')) {
    text.remove_suffix(1);
  }
  Secret secret;
  if (!text.starts_with(beginning) || text.size() != beginning.size() + 2 * secret.bytes.size()) {
    return refuse(path, "is not what nodezero secret prints");
  }
  text.remove_prefix(beginning.size());
  for (std::size_t i = 0; i < secret.bytes.size(); ++i) {
    unsigned value = 0;
    const char* const digits = text.data() + 2 * i;
    const auto [end, error] = std::from_chars(digits, digits + 2, value, 16);
    if (error != std::errc() || end != digits + 2) {
      return refuse(path, "is not what nodezero secret prints");
    }
    secret.bytes[i] = static_cast<std::byte>(value);
  }
  return secret;
}

}  // namespace nodezero::runtime::network
