// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>

namespace nodezero::actors {

inline constexpr std::string_view json_type = "application/json";
inline constexpr std::string_view event_type = "text/event-stream; charset=utf-8";

/// What stands before the body of an answer.
struct HttpHead {
  int status = 200;
  std::string_view type = json_type;
  std::string more = {};    ///< further headers, each line with its end
  bool keeps_alive = true;  ///< the connection goes on afterwards
};

/// An answer with its body.
std::string http_answer(const HttpHead& head, std::string_view body);

/// The beginning of an answer whose body comes in chunks, or, to a client of HTTP/1.0, until the
/// connection ends.
std::string http_stream_head(const HttpHead& head, bool chunked);
std::string http_chunk(std::string_view bytes);
inline constexpr std::string_view http_last_chunk = "0\r\n\r\n";

}  // namespace nodezero::actors
