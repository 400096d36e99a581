// SPDX-License-Identifier: BSD-3-Clause
#include "tests/serving/support/http_client.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cctype>
#include <cstring>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace nodezero::test {

HttpClient::HttpClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error(std::string("no connection: ") + std::strerror(errno));
  }
}

HttpClient::~HttpClient() {
  leave();
}

HttpClient::HttpClient(HttpClient&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), bytes_(std::move(other.bytes_)) {}

void HttpClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      return;  // the server has closed; what it said is still to be read
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void HttpClient::send_end() {
  ::shutdown(socket_, SHUT_WR);
}

void HttpClient::leave() {
  if (socket_ >= 0) {
    ::close(std::exchange(socket_, -1));
  }
}

bool HttpClient::read_more() {
  std::array<char, 1 << 16> buffer{};
  const auto count = ::recv(socket_, buffer.data(), buffer.size(), 0);
  if (count <= 0) {
    return false;
  }
  bytes_.append(buffer.data(), static_cast<std::size_t>(count));
  return true;
}

HttpResponse HttpClient::receive() {
  HttpResponse response;
  std::size_t end = 0;
  while ((end = bytes_.find("\r\n\r\n")) == std::string::npos) {
    if (!read_more()) {
      return response;
    }
  }
  std::string head = bytes_.substr(0, end + 2);
  bytes_.erase(0, end + 4);
  response.status = std::stoi(head.substr(head.find(' ') + 1));
  for (std::size_t at = head.find("\r\n") + 2; at < head.size();) {
    const auto line_end = head.find("\r\n", at);
    const auto line = head.substr(at, line_end - at);
    auto name = line.substr(0, line.find(':'));
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    response.headers[name] = line.substr(line.find(':') + 2);
    at = line_end + 2;
  }
  const auto take = [this](std::size_t count) {
    while (bytes_.size() < count && read_more()) {
    }
    auto taken = bytes_.substr(0, count);
    bytes_.erase(0, count);
    return taken;
  };
  if (response.headers.contains("transfer-encoding")) {
    for (;;) {
      while (bytes_.find("\r\n") == std::string::npos) {
        if (!read_more()) {
          return response;
        }
      }
      const auto size = std::stoul(bytes_, nullptr, 16);
      bytes_.erase(0, bytes_.find("\r\n") + 2);
      response.body += take(size);
      take(2);
      if (size == 0) {
        return response;
      }
    }
  }
  if (response.headers.contains("content-length")) {
    response.body = take(std::stoul(response.headers["content-length"]));
    return response;
  }
  while (read_more()) {
  }
  response.body = std::exchange(bytes_, {});
  return response;
}

bool HttpClient::wait_for(std::string_view text) {
  while (bytes_.find(text) == std::string::npos) {
    if (!read_more()) {
      return false;
    }
  }
  return true;
}

bool HttpClient::is_closed_by_server() {
  while (read_more()) {
  }
  return true;
}

std::string get_request(const std::string& path, const std::string& headers) {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n";
}

std::string post_request(const std::string& path, const std::string& body,
                         const std::string& headers) {
  return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
         headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

HttpResponse HttpClient::get(const std::string& path, const std::string& headers) {
  send(get_request(path, headers));
  return receive();
}

HttpResponse HttpClient::post(const std::string& path, const std::string& body,
                              const std::string& headers) {
  send(post_request(path, body, headers));
  return receive();
}

std::vector<std::string> events_of(std::string_view body) {
  std::vector<std::string> events;
  while (!body.empty()) {
    const auto end = std::min(body.find("\n\n"), body.size());
    const auto event = body.substr(0, end);
    events.emplace_back(event.starts_with("data: ") ? event.substr(6) : event);
    body.remove_prefix(std::min(end + 2, body.size()));
  }
  return events;
}

}  // namespace nodezero::test
