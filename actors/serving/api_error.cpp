// SPDX-License-Identifier: BSD-3-Clause
#include "actors/serving/api_error.hpp"

#include <nlohmann/json.hpp>

#include "formats/printable_text.hpp"

namespace nodezero::actors {
namespace {

const char* type_of(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 429:
      return "rate_limit_error";
    default:
      return status < 500 ? "invalid_request_error" : "server_error";
  }
}

}  // namespace

std::string ApiError::to_json() const {
  const auto or_null = [](const std::string& text) {
    return text.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(text);
  };
  return nlohmann::ordered_json{{"error",
                                 {{"message", formats::well_formed(message)},
                                  {"type", type_of(status)},
                                  {"param", or_null(param)},
                                  {"code", or_null(code)}}}}
      .dump();
}

ApiError api_error(const Error& error) {
  switch (error.code) {
    case ErrorCode::invalid_argument:
      return {400, error.message, "", ""};
    case ErrorCode::not_found:
      return {404, error.message, "model_not_found", "model"};
    case ErrorCode::queue_full:
      return {429, "too many requests are waiting; try again later", "queue_full", ""};
    case ErrorCode::busy:
      return {503, error.message, "busy", ""};
    case ErrorCode::stopped:
    case ErrorCode::component_lost:
      return {503, "the server is stopping", "stopping", ""};
    case ErrorCode::timed_out:
      return {503, error.message, "timed_out", ""};
    default:
      return {500, error.message, "failed", ""};
  }
}

}  // namespace nodezero::actors
