// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/chunked_body.hpp"

namespace nodezero::formats {

/// A request of HTTP/1.1 or 1.0 as a client has sent it.
struct HttpRequest {
  std::string method;  ///< as sent; methods are case-sensitive
  std::string path;    ///< begins with /; without the query
  std::string query;   ///< what is behind the first ?, or nothing
  std::vector<std::pair<std::string, std::string>> headers;  ///< names in lower case
  std::string body;
  bool is_old = false;      ///< HTTP/1.0, which knows no chunks
  bool keeps_alive = true;  ///< the client may send another request afterwards

  /// The value of a header; none if it is not there. `name` is in lower case.
  std::optional<std::string_view> header(std::string_view name) const;
};

/// What a request is refused with before it is looked at. The connection cannot be used afterwards.
struct HttpRefusal {
  int status = 400;
  std::string message;  ///< one line
};

/// Takes a connection's bytes as they come and gives whole requests. It is strict, because what two
/// programs read differently can be used to smuggle requests past one of them: lines end with CRLF,
/// no header goes over several lines, a body has one Content-Length or comes in chunks, and
/// everything else is refused. Never holds more than its limits and what was added last.
class HttpRequestReader {
 public:
  struct Limits {
    std::size_t header = 64 * 1024;  ///< bytes of the request line and all headers
    std::size_t headers = 100;       ///< number of them
    std::size_t body = 1024 * 1024;  ///< bytes
  };

  HttpRequestReader() = default;
  explicit HttpRequestReader(Limits limits) : limits_(limits) {}

  void add(std::string_view bytes) { buffer_ += bytes; }

  enum class Progress { waiting, ready, refused };
  /// Looks at what has been added: whether a request is whole. A refusal stays.
  Progress look();

  /// After ready. The reader goes on with the next request.
  HttpRequest take();
  /// After refused.
  const HttpRefusal& refusal() const { return *refusal_; }

  /// Bytes have come that are not a whole request yet.
  bool is_inside() const { return head_ || !buffer_.empty(); }
  /// The client waits to be told that it may send the body. True once for each request.
  bool take_wish_for_continue() { return std::exchange(wants_continue_, false); }
  std::size_t buffered() const { return buffer_.size(); }

 private:
  Progress refuse(int status, std::string message);
  bool read_head(std::string_view head);
  bool read_request_line(std::string_view line);
  bool read_header(std::string_view line);
  bool finish_head();
  Progress look_at_chunks();

  Limits limits_;
  std::string buffer_;
  std::size_t searched_ = 0;  ///< bytes in which the head's end is not
  std::optional<HttpRequest> head_;
  std::size_t body_size_ = 0;
  std::optional<ChunkedBody> chunks_;
  bool wants_continue_ = false;
  std::optional<HttpRefusal> refusal_;
};

/// True if a and b are equal but for the case of ASCII letters.
bool equal_without_case(std::string_view a, std::string_view b);

}  // namespace nodezero::formats
