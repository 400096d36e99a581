// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "actors/serving/api_error.hpp"
#include "actors/serving/broker.hpp"
#include "actors/serving/completion.hpp"
#include "actors/serving/http_answer.hpp"
#include "actors/serving/service.hpp"
#include "formats/http_request.hpp"

namespace nodezero::actors {

/// One client's connection: reads its requests, one after the other, asks the lifecycle for text,
/// and writes the answers. A client that closes its side has left, even if it only stopped sending:
/// what is being generated for it is abandoned.
class connection : public broker {
 public:
  /// The door moves the socket of `handle` to it.
  connection(caf::actor_config& config, caf::io::connection_handle handle,
             std::shared_ptr<Service> service);

  const char* name() const override { return "connection"; }
  void on_exit() override;

 protected:
  caf::behavior make_behavior() override;

 private:
  using Time = caf::actor_clock::time_point;

  void received(const caf::io::new_data_msg& data);
  void sent(const caf::io::data_transferred_msg& progress);
  void look_at_time();

  void serve_next();
  void serve(const formats::HttpRequest& request);
  void answer_health();
  void answer_get(const formats::HttpRequest& request);
  void begin_completion(const formats::HttpRequest& request);
  void ask(const generate& question);
  void ask_from(std::uint64_t step, std::vector<generate> questions);
  void failed(std::uint64_t ticket, const caf::error& error);
  void go_on();
  void abandon_open();
  void completion_ended();

  void answer(int status, std::string_view body, std::string_view type = json_type);
  void refuse(const ApiError& error);
  void send_bytes(std::string_view bytes);
  void close_when_sent();
  void be_cut();
  void end_late(std::uint64_t ticket);
  int socket() const { return static_cast<int>(handle_.id()); }
  Time now() const { return system().clock().now(); }

  caf::io::connection_handle handle_;
  std::shared_ptr<Service> service_;
  formats::HttpRequestReader reader_;
  std::unique_ptr<Completion> completion_;  ///< null: none is open
  // Of the request at hand:
  bool keeps_alive_ = true;
  bool is_chunked_ = true;
  bool is_head_sent_ = false, has_first_token_ = false;
  std::string cors_;
  VersionName answering_;

  bool is_closing_ = false;  ///< everything has been said
  bool is_closed_ = false;   ///< by the client
  Time asked_;               ///< when the completion was asked for
  Time quiet_since_;         ///< when the last request was answered
  Time request_since_;       ///< when the first byte of the one that is not whole came
  bool is_inside_ = false;   ///< a request that is not whole
  Time written_;             ///< when the client took something last
  std::uint64_t unsent_ = 0;
};

}  // namespace nodezero::actors
