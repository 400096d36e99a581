// SPDX-License-Identifier: BSD-3-Clause
#include "actors/serving/connection.hpp"

#include <algorithm>
#include <random>
#include <sys/socket.h>
#include <utility>

#include <fmt/format.h>

#include "actors/errors.hpp"
#include "actors/serving/access.hpp"
#include "actors/serving/health.hpp"
#include "actors/serving/model_list.hpp"
#include "actors/serving/page.hpp"

namespace nodezero::actors {
namespace {

/// How often a connection looks whether one of its bounds has passed.
std::chrono::milliseconds tick(const ServingOptions& options) {
  const auto shortest = std::min({options.idle_time, options.request_time, options.write_time});
  return std::clamp<std::chrono::milliseconds>(shortest / 4, std::chrono::milliseconds(1),
                                               std::chrono::seconds(5));
}

// For a client to close its side when everything has been said.
constexpr auto linger = std::chrono::seconds(1);

std::int64_t seconds_since_1970() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

connection::connection(caf::actor_config& config, caf::io::connection_handle handle,
                       std::shared_ptr<Service> service)
    : broker(config), handle_(handle), service_(std::move(service)) {
  ++service_->counters.connections;
}

void connection::on_exit() {
  if (service_) {
    abandon_open();
    --service_->counters.connections;
    service_.reset();
    if (!is_closed_) {
      // CAF would wait for the client to close its side, which some never do.
      ::shutdown(socket(), SHUT_RDWR);
    }
  }
}

caf::behavior connection::make_behavior() {
  quiet_since_ = written_ = now();
  // CAF keeps a buffer of that size for each connection.
  configure_read(handle_, caf::io::receive_policy::at_most(8 * 1024));
  ack_writes(handle_, true);
  delayed_send(this, tick(service_->options), serving_tick{});
  return {
      [this](const caf::io::new_data_msg& data) { received(data); },
      [this](const caf::io::data_transferred_msg& progress) { sent(progress); },
      [this](const caf::io::connection_closed_msg&) {
        is_closed_ = true;
        quit();
      },
      [this](const generated_piece& piece) {
        if (completion_ && completion_->has(piece.ticket)) {
          completion_->hear(piece);
          go_on();
        }
      },
      [this](const drain&) {
        keeps_alive_ = false;
        if (!completion_) {
          close_when_sent();
        }
      },
      [this](const cut&) { be_cut(); },
      [this](const completion_deadline& deadline) { end_late(deadline.ticket); },
      [this](const serving_tick&) { look_at_time(); },
  };
}

// -- bytes ----------------------------------------------------------------------------------------

void connection::received(const caf::io::new_data_msg& data) {
  if (is_closing_) {
    return;
  }
  reader_.add({data.buf.data(), data.buf.size()});
  if (!completion_) {
    serve_next();
  } else if (reader_.buffered() > 2 * formats::HttpRequestReader::Limits{}.body) {
    quit();  // it asks faster than it is answered
  }
}

void connection::sent(const caf::io::data_transferred_msg& progress) {
  unsent_ = progress.remaining;
  written_ = now();
  if (is_closing_ && unsent_ == 0) {
    ::shutdown(socket(), SHUT_WR);
  }
}

void connection::look_at_time() {
  const auto& options = service_->options;
  const bool is_quiet = !completion_ && !is_inside_ && now() - quiet_since_ > options.idle_time;
  const bool is_unread = unsent_ > 0 && now() - written_ > options.write_time;
  if (is_quiet || is_unread) {
    quit();
    return;
  }
  if (!completion_ && is_inside_ && now() - request_since_ > options.request_time) {
    keeps_alive_ = false;
    refuse({408, "the request did not come in time", "", ""});
  }
  delayed_send(this, tick(options), serving_tick{});
}

void connection::send_bytes(std::string_view bytes) {
  if (bytes.empty()) {
    return;
  }
  if (unsent_ == 0) {
    written_ = now();
  }
  unsent_ += bytes.size();
  write(handle_, bytes.size(), bytes.data());
  flush(handle_);
  if (unsent_ > service_->options.unsent) {
    quit();  // it does not read what it asked for
  }
}

/// The client reads what was sent and closes its side. Until then what it sends is thrown away:
/// were the socket closed at once, the client could lose the answer.
void connection::close_when_sent() {
  if (std::exchange(is_closing_, true)) {
    return;
  }
  if (unsent_ == 0) {
    ::shutdown(socket(), SHUT_WR);
  }
  delayed_send(this, linger, cut{});
}

void connection::be_cut() {
  if (is_closing_) {
    if (unsent_ > 0 && !service_->is_draining) {
      delayed_send(this, linger, cut{});  // as long as it goes on reading
    } else {
      quit();
    }
    return;
  }
  if (completion_) {
    keeps_alive_ = false;
    completion_->cut();
    go_on();
  }
  close_when_sent();
}

/// The time that the client has given is up: what there is of the answer is all of it.
void connection::end_late(std::uint64_t ticket) {
  if (!completion_ || !completion_->has(ticket)) {
    return;  // it has been answered
  }
  if (completion_->version()) {
    completion_->cut();
  } else {
    for (const auto open : completion_->open()) {
      send(service_->lifecycle, abandon_request{open});
    }
    completion_->hear_failure(ticket,
                              {ErrorCode::timed_out, "no answer has begun within 'timeout'"});
  }
  go_on();
}

// -- requests -------------------------------------------------------------------------------------

void connection::serve_next() {
  using Progress = formats::HttpRequestReader::Progress;
  while (!completion_ && !is_closing_) {
    const auto progress = reader_.look();
    if (progress == Progress::waiting) {
      if (reader_.take_wish_for_continue()) {
        send_bytes("HTTP/1.1 100 Continue\r\n\r\n");
      }
      if (!std::exchange(is_inside_, reader_.is_inside())) {
        request_since_ = now();
      }
      return;
    }
    is_inside_ = false;
    cors_.clear();
    if (progress == Progress::refused) {
      keeps_alive_ = false;
      refuse({reader_.refusal().status, reader_.refusal().message, "", ""});
      return;
    }
    serve(reader_.take());
  }
}

void connection::serve(const formats::HttpRequest& request) {
  keeps_alive_ = request.keeps_alive && !service_->is_draining;
  is_chunked_ = !request.is_old;
  const auto& path = request.path;
  if (path == "/health" && request.method == "GET") {
    answer_health();
    return;
  }
  cors_ = cors_headers(request, service_->options);
  if (const auto refused = refused_access(request, service_->options)) {
    refuse(*refused);
  } else if (!service_->model) {
    refuse({503, "the model is being loaded", "loading", ""});
  } else if (request.method == "OPTIONS" && !cors_.empty()) {
    answer(200, "");
  } else if (path == "/v1/completions") {
    request.method == "POST" ? begin_completion(request)
                             : refuse({405, "this path takes POST", "", ""});
  } else if (path == "/v1/chat/completions") {
    refuse({404, service_->model->why_no_chat(), "no_chat_template", ""});
  } else {
    answer_get(request);
  }
}

void connection::answer_health() {
  if (service_->is_draining) {
    answer(503, R"({"status":"draining"})");
  } else if (!service_->model) {
    answer(503, R"({"status":"loading"})");
  } else {
    answer(200, health_json(service_->options));
  }
}

void connection::answer_get(const formats::HttpRequest& request) {
  constexpr std::string_view models = "/v1/models";
  const auto& model = *service_->model;
  const std::string_view path = request.path;
  const bool is_model =
      path.starts_with(models) && path.size() > models.size() + 1 && path[models.size()] == '/';
  if (path != models && path != "/metrics" && path != "/health" && path != "/" && !is_model) {
    refuse({404, "there is nothing at this path", "", ""});
  } else if (request.method != "GET") {
    refuse({405, "this path takes GET", "", ""});
  } else if (path == "/") {
    cors_ += page_policy;
    answer(200, serving_page, "text/html; charset=utf-8");
  } else if (path == "/metrics") {
    answer(200, service_->counters.to_text(model, service_->version),
           "text/plain; version=0.0.4; charset=utf-8");
  } else if (!is_model) {
    answer(200, list_of_models(model, service_->version));
  } else if (const auto description =
                 description_of_model(model, service_->version, path.substr(models.size() + 1))) {
    answer(200, *description);
  } else {
    refuse({404, "there is no such model here", "model_not_found", "model"});
  }
}

// -- completions ----------------------------------------------------------------------------------

void connection::begin_completion(const formats::HttpRequest& request) {
  const auto type = request.header("content-type").value_or("");
  if (!formats::equal_without_case(type.substr(0, type.find(';')), json_type)) {
    // A browser sends other types for any page without asking first.
    refuse({415, "send the body with 'Content-Type: application/json'", "", ""});
    return;
  }
  if (service_->is_draining) {
    refuse({503, "the server is stopping", "stopping", ""});
    return;
  }
  auto parsed = read_completion_request(request.body, *service_->model, service_->options,
                                        std::random_device()());
  if (!parsed) {
    refuse(parsed.error());
    return;
  }
  const auto asked = asked_model(parsed->model);
  if (asked.name != service_->model->id || (asked.step && !service_->shelf)) {
    refuse(
        {404,
         fmt::format("there is no model '{}' here, but '{}'", parsed->model, service_->model->id),
         "model_not_found", "model"});
    return;
  }
  const auto first_ticket = service_->next_ticket;
  completion_ = std::make_unique<Completion>(service_->model, std::move(*parsed), first_ticket,
                                             seconds_since_1970());
  completion_->set_digest(service_->model->digest);
  const auto questions =
      completion_->questions(caf::actor_cast<listener_actor>(caf::strong_actor_ptr(ctrl())));
  service_->next_ticket += questions.size();
  service_->counters.open_choices += questions.size();
  asked_ = now();
  if (const auto timeout = completion_->request().timeout) {
    delayed_send(this, *timeout, completion_deadline{first_ticket});
  }
  is_head_sent_ = has_first_token_ = false;
  if (asked.step) {
    ask_from(*asked.step, questions);
    return;
  }
  for (const auto& question : questions) {
    ask(question);
  }
}

/// From an earlier version.
void connection::ask_from(std::uint64_t step, std::vector<generate> questions) {
  const auto ticket = questions.front().options.ticket;
  request(service_->shelf, caf::infinite, open_version{step})
      .then(
          [this, ticket, questions = std::move(questions)](const opened_version& opened) {
            if (!completion_ || !completion_->has(ticket)) {
              return;
            }
            completion_->set_digest(opened.digest);
            for (auto question : questions) {
              question.options.from = opened.version;
              question.options.names_digest = false;
              ask(question);
            }
          },
          [this, ticket](const caf::error& error) { failed(ticket, error); });
}

void connection::failed(std::uint64_t ticket, const caf::error& error) {
  if (completion_ && completion_->has(ticket)) {
    completion_->hear_failure(ticket, to_error(error));
    go_on();
  }
}

void connection::ask(const generate& question) {
  const auto ticket = question.options.ticket;
  // The lifecycle has a bound of its own.
  request(service_->lifecycle, caf::infinite, question)
      .then(
          [this, ticket](const generated& answer) {
            if (completion_ && completion_->has(ticket)) {
              completion_->hear_end(ticket, answer.envelope);
              go_on();
            }
          },
          [this, ticket](const caf::error& error) { failed(ticket, error); });
}

/// Sends what the completion has to say.
void connection::go_on() {
  if (!has_first_token_ && completion_->generated_tokens() > 0) {
    has_first_token_ = true;
    service_->counters.first_token.add(now() - asked_);
  }
  for (const auto ticket : completion_->take_abandoned()) {
    send(service_->lifecycle, abandon_request{ticket});
  }
  const bool is_done = completion_->is_done();
  if (!is_head_sent_ && completion_->failure()) {
    const ApiError error = *completion_->failure();
    completion_ended();
    refuse(error);
    serve_next();
    return;
  }
  if (const auto version = completion_->version()) {
    answering_ = *version;
    if (version->envelope.version >= service_->version.envelope.version) {
      service_->version = *version;
    }
  }
  if (completion_->is_stream()) {
    const auto events = completion_->take_events();
    if (!is_head_sent_ && !events.empty()) {
      is_head_sent_ = true;
      ++service_->counters.answers[200];
      keeps_alive_ = keeps_alive_ && is_chunked_;
      send_bytes(http_stream_head(
          {.type = event_type,
           .more = cors_ + "X-NodeZero-Version: " + description_of(answering_) + "\r\n",
           .keeps_alive = keeps_alive_},
          is_chunked_));
    }
    send_bytes(is_chunked_ ? http_chunk(events) : events);
  }
  if (!is_done) {
    return;
  }
  if (completion_->is_stream()) {
    send_bytes(is_chunked_ ? http_last_chunk : "");
    completion_ended();
    if (!keeps_alive_) {
      close_when_sent();
    }
  } else {
    const auto body = completion_->to_json();
    completion_ended();
    cors_ += "X-NodeZero-Version: " + description_of(answering_) + "\r\n";
    answer(200, body);
  }
  serve_next();
}

void connection::completion_ended() {
  auto& counters = service_->counters;
  counters.prompt_tokens += completion_->prompt_tokens();
  counters.generated_tokens += completion_->generated_tokens();
  counters.open_choices -= completion_->choices();
  if (const auto version = completion_->version()) {
    counters.add_version(version->envelope, completion_->generated_tokens());
  }
  completion_.reset();
  quiet_since_ = now();
}

/// The client has left.
void connection::abandon_open() {
  if (completion_) {
    for (const auto ticket : completion_->open()) {
      send(service_->lifecycle, abandon_request{ticket});
    }
    ++service_->counters.left;
    completion_ended();
  }
}

// -- answers --------------------------------------------------------------------------------------

void connection::answer(int status, std::string_view body, std::string_view type) {
  ++service_->counters.answers[status];
  send_bytes(http_answer(
      {.status = status, .type = type, .more = cors_, .keeps_alive = keeps_alive_}, body));
  quiet_since_ = now();
  if (!keeps_alive_) {
    close_when_sent();
  }
}

void connection::refuse(const ApiError& error) {
  if (error.status == 401) {
    cors_ += "WWW-Authenticate: Bearer\r\n";
  }
  if (const int seconds = error.retry_after_s(); seconds > 0) {
    cors_ += fmt::format("Retry-After: {}\r\n", seconds);
  }
  answer(error.status, error.to_json());
}

}  // namespace nodezero::actors
