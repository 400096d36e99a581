// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/serving/serving_options.hpp"

#include <algorithm>
#include <charconv>
#include <sys/resource.h>

#include <fmt/format.h>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/process/open_files.hpp"
#include "model/files/atomic_file.hpp"

namespace nodezero::apps {

namespace {

// Files that are not connections: the model, the program's own.
constexpr std::size_t other_files = 64;

std::string read_key(const ServingFlags& flags) {
  if (!flags.key.empty() && !flags.key_file.empty()) {
    throw CommandError(exit_bad_input, "give --api-key or --api-key-file, not both");
  }
  if (flags.key_file.empty()) {
    return flags.key;
  }
  auto key = unwrap(model::read_file(flags.key_file));
  const auto last = key.find_last_not_of(" \t\r\n");
  key.erase(last == std::string::npos ? 0 : last + 1);
  if (key.empty()) {
    throw CommandError(exit_bad_input, fmt::format("the key file '{}' is empty", flags.key_file));
  }
  return key;
}

/// Each connection is an open file.
std::size_t possible_connections(std::size_t wanted) {
  allow_many_open_files();
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) {
    return wanted;
  }
  const std::size_t most = files.rlim_cur > 2 * other_files ? files.rlim_cur - other_files : 1;
  return std::min(wanted, most);
}

bool is_local(const std::string& address) {
  return address == "localhost" || address == "::1" || address.starts_with("127.");
}

}  // namespace

actors::ServingOptions serving_options(const std::string& place, const ServingFlags& flags) {
  actors::ServingOptions options;
  const auto colon = place.rfind(':');
  if (colon != std::string::npos) {
    options.address = place.substr(0, colon);
    if (options.address.starts_with('[') && options.address.ends_with(']')) {
      options.address = options.address.substr(1, options.address.size() - 2);
    }
  }
  const auto port = colon == std::string::npos ? place : place.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), options.port);
  if (port.empty() || end != port.data() + port.size() || error != std::errc() ||
      options.address.empty()) {
    throw CommandError(exit_bad_input,
                       fmt::format("'{}' is not a port, or an address and a port, such as 8080 or "
                                   "0.0.0.0:8080",
                                   place));
  }
  options.key = read_key(flags);
  if (options.key.empty() && !is_local(options.address)) {
    throw CommandError(
        exit_bad_input,
        fmt::format("other machines could use the server at {}: give it a key with --api-key-file "
                    "or --api-key, or leave the address out",
                    options.address));
  }
  options.origins = flags.origins;
  options.connections = possible_connections(flags.connections);
  options.queue = flags.queue;
  options.most_tokens = flags.most_tokens;
  return options;
}

std::string name_of_model(const std::filesystem::path& given) {
  const auto path = std::filesystem::absolute(given).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

std::string url_of(const actors::ServingOptions& options, std::uint16_t port) {
  const bool is_v6 = options.address.find(':') != std::string::npos;
  return is_v6 ? fmt::format("http://[{}]:{}", options.address, port)
               : fmt::format("http://{}:{}", options.address, port);
}

}  // namespace nodezero::apps
