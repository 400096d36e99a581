// SPDX-License-Identifier: BSD-3-Clause
#include "actors/serving/access.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

namespace nodezero::actors {
namespace {

/// Takes a time that depends on what was given alone.
bool is_key(std::string_view given, std::string_view key) {
  unsigned difference = given.size() == key.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i) {
    difference |= static_cast<unsigned char>(given[i]) ^
                  static_cast<unsigned char>(key[i % std::max<std::size_t>(key.size(), 1)]);
  }
  return difference == 0;
}

/// Without the port.
std::string_view name_of_host(std::string_view host) {
  const auto colon = host.rfind(':');
  const bool has_port = colon != std::string_view::npos &&
                        host.find_first_not_of("0123456789", colon + 1) == std::string_view::npos;
  return has_port ? host.substr(0, colon) : host;
}

bool is_this_machine(std::string_view host) {
  constexpr std::array<std::string_view, 3> names = {"localhost", "127.0.0.1", "[::1]"};
  return std::ranges::any_of(names, [&](std::string_view name) {
    return formats::equal_without_case(name_of_host(host), name);
  });
}

bool is_listed(std::string_view origin, const ServingOptions& options) {
  return std::ranges::any_of(options.origins, [&](const std::string& listed) {
    return listed == "*" || listed == origin;
  });
}

}  // namespace

std::optional<ApiError> refused_access(const formats::HttpRequest& request,
                                       const ServingOptions& options) {
  const auto host = request.header("host").value_or("");
  if (options.key.empty() && !host.empty() && !is_this_machine(host)) {
    return ApiError{403, "without a key this server answers to localhost, 127.0.0.1 and [::1] only",
                    "wrong_host", ""};
  }
  const auto origin = request.header("origin");
  if (origin && *origin != fmt::format("http://{}", host) && !is_listed(*origin, options)) {
    return ApiError{403, "pages of this origin may not ask", "wrong_origin", ""};
  }
  // The page holds nothing; it asks for the key, which a browser has no other way to send.
  if (options.key.empty() || request.method == "OPTIONS" || request.path == "/") {
    return std::nullopt;
  }
  constexpr std::string_view scheme = "Bearer ";
  auto given = request.header("authorization").value_or("");
  if (given.size() < scheme.size() ||
      !formats::equal_without_case(given.substr(0, scheme.size()), scheme) ||
      !is_key(given.substr(scheme.size()), options.key)) {
    return ApiError{401, "the key is missing or wrong: send it as 'Authorization: Bearer KEY'",
                    "invalid_api_key", ""};
  }
  return std::nullopt;
}

std::string cors_headers(const formats::HttpRequest& request, const ServingOptions& options) {
  const auto origin = request.header("origin");
  if (!origin || !is_listed(*origin, options)) {
    return {};
  }
  auto headers = fmt::format("Access-Control-Allow-Origin: {}\r\nVary: Origin\r\n", *origin);
  if (request.method == "OPTIONS") {
    headers += fmt::format(
        "Access-Control-Allow-Methods: GET, POST\r\nAccess-Control-Allow-Headers: {}\r\n"
        "Access-Control-Max-Age: 600\r\n",
        request.header("access-control-request-headers").value_or("authorization, content-type"));
  }
  return headers;
}

}  // namespace nodezero::actors
