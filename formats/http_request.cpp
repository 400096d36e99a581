// SPDX-License-Identifier: BSD-3-Clause
#include "formats/http_request.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace nodezero::formats {
namespace {

constexpr std::string_view line_end = "\r\n", head_end = "\r\n\r\n";

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// What names of methods and headers are made of (RFC 9110, 5.6.2).
bool is_token(std::string_view text) {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') ||
           others.find(c) != std::string_view::npos;
  });
}

bool is_visible(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
}

/// Visible, spaces, tabs, and bytes beyond ASCII: no control characters.
bool is_field_value(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= ' ' && byte != 0x7F) || byte == '\t';
  });
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Whether a list of words between commas has this one.
bool lists(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    if (equal_without_case(trimmed(list.substr(0, comma)), word)) {
      return true;
    }
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

}  // namespace

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::optional<std::string_view> HttpRequest::header(std::string_view name) const {
  const auto found = std::ranges::find(
      headers, name, [](const auto& entry) -> const std::string& { return entry.first; });
  return found == headers.end() ? std::nullopt : std::optional<std::string_view>(found->second);
}

HttpRequestReader::Progress HttpRequestReader::look() {
  if (refusal_) {
    return Progress::refused;
  }
  if (!head_) {
    while (searched_ == 0 && buffer_.starts_with(line_end)) {
      buffer_.erase(0, line_end.size());  // some clients end a body with one more
    }
    const auto end = buffer_.find(head_end, searched_);
    const bool is_whole = end != std::string::npos;
    if ((is_whole ? end + head_end.size() : buffer_.size()) > limits_.header) {
      return refuse(431, "the headers are too large");
    }
    if (!is_whole) {
      searched_ = buffer_.size() - std::min(buffer_.size(), head_end.size() - 1);
      return Progress::waiting;
    }
    searched_ = 0;
    head_.emplace();
    if (!read_head(std::string_view(buffer_).substr(0, end + line_end.size())) || !finish_head()) {
      return Progress::refused;
    }
    buffer_.erase(0, end + head_end.size());
  }
  if (chunks_) {
    return look_at_chunks();
  }
  return buffer_.size() < body_size_ ? Progress::waiting : Progress::ready;
}

HttpRequestReader::Progress HttpRequestReader::look_at_chunks() {
  switch (chunks_->take(buffer_)) {
    case ChunkedBody::Progress::waiting:
      return Progress::waiting;
    case ChunkedBody::Progress::whole:
      return Progress::ready;
    case ChunkedBody::Progress::too_large:
      return refuse(413, "the body is too large");
    case ChunkedBody::Progress::malformed:
      break;
  }
  return refuse(400, "the body is not in chunks, or has extensions or trailers");
}

HttpRequest HttpRequestReader::take() {
  HttpRequest request = std::move(*head_);
  head_.reset();
  if (chunks_) {
    request.body = std::move(chunks_->body());
    chunks_.reset();
  } else {
    request.body = buffer_.substr(0, body_size_);
    buffer_.erase(0, body_size_);
  }
  wants_continue_ = false;
  return request;
}

HttpRequestReader::Progress HttpRequestReader::refuse(int status, std::string message) {
  refusal_ = {status, std::move(message)};
  buffer_ = {};
  head_.reset();
  chunks_.reset();
  wants_continue_ = false;
  return Progress::refused;
}

bool HttpRequestReader::read_head(std::string_view head) {
  bool is_first = true;
  while (!head.empty()) {
    const auto end = head.find(line_end);
    const auto line = head.substr(0, end);
    if (!(is_first ? read_request_line(line) : read_header(line))) {
      return false;
    }
    is_first = false;
    head.remove_prefix(end + line_end.size());
  }
  return true;
}

bool HttpRequestReader::read_request_line(std::string_view line) {
  const auto refused = [this](int status, std::string message) {
    refuse(status, std::move(message));
    return false;
  };
  const auto first = line.find(' ');
  const auto second = first == std::string_view::npos ? first : line.find(' ', first + 1);
  if (second == std::string_view::npos) {
    return refused(400, "the request line is not that of HTTP");
  }
  const auto method = line.substr(0, first);
  const auto target = line.substr(first + 1, second - first - 1);
  const auto version = line.substr(second + 1);
  if (!is_token(method) || !target.starts_with('/') || !is_visible(target)) {
    return refused(400, "the request line is not that of HTTP");
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    const bool is_other = version.starts_with("HTTP/") && version.size() == 8;
    return refused(is_other ? 505 : 400, "only HTTP/1.1 and HTTP/1.0 are spoken here");
  }
  head_->is_old = version == "HTTP/1.0";
  const auto question = std::min(target.find('?'), target.size());
  head_->method = method;
  head_->path = target.substr(0, question);
  head_->query = target.substr(std::min(question + 1, target.size()));
  return true;
}

bool HttpRequestReader::read_header(std::string_view line) {
  const auto refused = [this](int status, std::string message) {
    refuse(status, std::move(message));
    return false;
  };
  const auto colon = line.find(':');
  const auto name = line.substr(0, colon);
  if (colon == std::string_view::npos || !is_token(name)) {
    return refused(400, "a line of the headers is not a header");
  }
  const auto value = trimmed(line.substr(colon + 1));
  if (!is_field_value(value)) {
    return refused(400, "a header has a control character");
  }
  if (head_->headers.size() == limits_.headers) {
    return refused(431, "there are too many headers");
  }
  std::string lower_name(name);
  std::ranges::transform(lower_name, lower_name.begin(), lower);
  head_->headers.emplace_back(std::move(lower_name), value);
  return true;
}

/// What the headers say about the request itself.
bool HttpRequestReader::finish_head() {
  const auto refused = [this](int status, std::string message) {
    refuse(status, std::move(message));
    return false;
  };
  const auto count = [this](std::string_view name) {
    return std::ranges::count(head_->headers, name,
                              [](const auto& entry) -> const std::string& { return entry.first; });
  };
  if (count("host") > 1 || (count("host") == 0 && !head_->is_old)) {
    return refused(400, "a request has one Host header");
  }
  if (count("transfer-encoding") > 0) {
    if (count("transfer-encoding") > 1 || count("content-length") > 0 || head_->is_old) {
      return refused(400, "a body has one length: Content-Length or Transfer-Encoding");
    }
    if (!equal_without_case(*head_->header("transfer-encoding"), "chunked")) {
      return refused(501, "chunked is the only Transfer-Encoding that is taken here");
    }
    chunks_.emplace(limits_.body);
  }
  body_size_ = 0;
  if (const auto length = head_->header("content-length")) {
    const auto* const end = length->data() + length->size();
    const auto [last, error] = std::from_chars(length->data(), end, body_size_);
    const bool is_number = !length->empty() && last == end && length->front() != '-';
    if (count("content-length") > 1 || (!is_number) ||
        (error != std::errc() && error != std::errc::result_out_of_range)) {
      return refused(400, "Content-Length is not one number");
    }
    if (error == std::errc::result_out_of_range || body_size_ > limits_.body) {
      return refused(413, "the body is too large");
    }
  }
  const auto connection = head_->header("connection").value_or("");
  head_->keeps_alive =
      head_->is_old ? lists(connection, "keep-alive") : !lists(connection, "close");
  if (const auto expectation = head_->header("expect")) {
    if (!equal_without_case(*expectation, "100-continue")) {
      return refused(417, "only 100-continue can be expected");
    }
    wants_continue_ = !head_->is_old && (body_size_ > 0 || chunks_);
  }
  return true;
}

}  // namespace nodezero::formats
