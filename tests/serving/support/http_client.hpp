// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace nodezero::test {

struct HttpResponse {
  int status = 0;                              ///< 0: the server closed the connection without one
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;                            ///< out of its chunks
};

/// A connection to a server on this machine, as a careful client or a bad one has it.
class HttpClient {
 public:
  explicit HttpClient(std::uint16_t port);
  ~HttpClient();
  HttpClient(HttpClient&& other) noexcept;
  HttpClient& operator=(HttpClient&&) = delete;

  void send(std::string_view bytes);
  /// Says that no more will come; the answer can still be read.
  void send_end();
  /// Closes the connection.
  void leave();
  /// Waits for a whole response.
  HttpResponse receive();
  /// Waits until `text` has come.
  bool wait_for(std::string_view text);
  /// Whether the server has closed the connection, after it has sent whatever it had to.
  bool is_closed_by_server();

  HttpResponse get(const std::string& path, const std::string& headers = {});
  HttpResponse post(const std::string& path, const std::string& body,
                    const std::string& headers = {});

 private:
  bool read_more();

  int socket_;
  std::string bytes_;
};

std::string get_request(const std::string& path, const std::string& headers = {});
std::string post_request(const std::string& path, const std::string& body,
                         const std::string& headers = {});

/// What stands behind "data: " in each event.
std::vector<std::string> events_of(std::string_view body);

}  // namespace nodezero::test
