// SPDX-License-Identifier: BSD-3-Clause
#include "actors/serving/http_answer.hpp"

#include <fmt/format.h>

namespace nodezero::actors {
namespace {

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

std::string beginning(const HttpHead& head) {
  return fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nCache-Control: no-store\r\n"
      "X-Content-Type-Options: nosniff\r\nConnection: {}\r\n{}",
      head.status, reason_of(head.status), head.type, head.keeps_alive ? "keep-alive" : "close",
      head.more);
}

}  // namespace

std::string http_answer(const HttpHead& head, std::string_view body) {
  return fmt::format("{}Content-Length: {}\r\n\r\n{}", beginning(head), body.size(), body);
}

std::string http_stream_head(const HttpHead& head, bool chunked) {
  return beginning(head) + (chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n");
}

std::string http_chunk(std::string_view bytes) {
  return bytes.empty() ? std::string() : fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

}  // namespace nodezero::actors
