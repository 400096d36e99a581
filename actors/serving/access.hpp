// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>

#include "actors/serving/api_error.hpp"
#include "actors/serving/served_model.hpp"
#include "formats/http_request.hpp"

namespace nodezero::actors {

/// Why a request is not looked at; nothing if it may be.
///
/// Without a key only this machine's own names are accepted as Host: a page whose name is made to
/// point at this machine ("DNS rebinding") could otherwise talk to the server as if it were its
/// own. A page of another origin is refused unless it is listed, because a browser sends simple
/// requests without asking first. The key is compared in a time that does not depend on it.
std::optional<ApiError> refused_access(const formats::HttpRequest& request,
                                       const ServingOptions& options);

/// Headers that let a listed page read the answer, each line with its end; empty for everybody
/// else.
std::string cors_headers(const formats::HttpRequest& request, const ServingOptions& options);

}  // namespace nodezero::actors
