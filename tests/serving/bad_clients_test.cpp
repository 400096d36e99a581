// SPDX-License-Identifier: BSD-3-Clause

// Clients that mean no good, and what others notice of them.

#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/small_server.hpp"

namespace nodezero::test {
namespace {

using nlohmann::json;

/// The status of the answer to these bytes, after which the server must close.
int status_of(const SmallServer& server, const std::string& bytes) {
  auto client = server.connect();
  client.send(bytes);
  const int status = client.receive().status;
  EXPECT_TRUE(client.is_closed_by_server());
  return status;
}

TEST(BadClients, AreRefusedAndClosed) {
  const SmallServer server;
  EXPECT_EQ(status_of(server, "hello\r\n\r\n"), 400);
  EXPECT_EQ(status_of(server, std::string(70'000, 'x')), 431);
  EXPECT_EQ(status_of(server, "GET / HTTP/1.1\r\nHost: localhost\r\nX: " +
                                  std::string(80'000, 'x') + "\r\n\r\n"),
            431);
  EXPECT_EQ(status_of(server, post_request("/v1/completions", std::string(1'100'000, ' '))), 413);
  EXPECT_EQ(status_of(server, "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"), 400);
  EXPECT_EQ(status_of(server,
                      "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
                      "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"),
            400);
  EXPECT_EQ(server.connect().get("/health").status, 200);
}

TEST(BadClients, CannotPutHeadersIntoAnswers) {
  const SmallServer server;
  auto client = server.connect();
  const auto response = client.get("/v1/models/x%0d%0aEvil:%201");
  EXPECT_EQ(response.status, 404);
  EXPECT_FALSE(response.headers.contains("evil"));
  const auto refused = client.post("/v1/completions",
                                   json{{"model", "x\r\nEvil: 1\r\n\r\n"}, {"prompt", "a"}}.dump());
  EXPECT_EQ(refused.status, 404);
  EXPECT_FALSE(refused.headers.contains("evil"));
}

TEST(BadClients, DoNotHoldUpOthers) {
  auto settings = small_model();
  settings.options.connections = 150;
  const SmallServer server(settings);
  std::vector<HttpClient> hanging;
  for (int i = 0; i < 140; ++i) {
    hanging.push_back(server.connect());
    switch (i % 4) {
      case 1:
        hanging.back().send("GET /health HT");
        break;
      case 2:
        hanging.back().send(
            "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
            "Content-Length: 1000\r\n\r\n{");
        break;
      case 3:
        hanging.back().send(get_request("/metrics") + get_request("/metrics"));  // unread
        break;
      default:
        break;
    }
  }
  auto client = server.connect();
  EXPECT_EQ(client.get("/health").status, 200);
  const json body = {{"model", "small"}, {"prompt", "abc"}, {"max_tokens", 9}, {"seed", 1}};
  EXPECT_EQ(json::parse(client.post("/v1/completions", body.dump()).body)["choices"][0]["text"],
            server.offline_text("abc", 9, {.temperature = 1, .seed = 1}));
  while (hanging.size() < 149) {
    hanging.push_back(server.connect());
  }
  EXPECT_EQ(server.connect().receive().status, 503) << "beyond the bound";
  EXPECT_EQ(client.get("/health").status, 200);
}

TEST(BadClients, MayAskInAdvance) {
  const SmallServer server;
  auto client = server.connect();
  std::string requests;
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    requests += post_request("/v1/completions", json{{"model", "small"},
                                                     {"prompt", "abc"},
                                                     {"max_tokens", 9},
                                                     {"stream", seed % 2 == 0},
                                                     {"seed", seed}}
                                                    .dump());
  }
  client.send(requests);
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const auto response = client.receive();
    EXPECT_EQ(response.status, 200);
    EXPECT_NE(response.body.find("\"seed\":" + std::to_string(seed)), std::string::npos);
  }
}

TEST(BadClients, CountAsGoneIfTheyCloseTheirSide) {
  auto settings = small_model();
  settings.options.most_tokens = 1'000'000'000;
  const SmallServer server(settings);
  auto client = server.connect();
  client.send(post_request(
      "/v1/completions",
      json{{"model", "small"}, {"prompt", "a"}, {"max_tokens", 1'000'000'000}, {"stream", true}}
          .dump()));
  ASSERT_TRUE(client.wait_for("data: "));
  client.send_end();
  EXPECT_TRUE(client.is_closed_by_server());
  const auto metrics = server.connect().get("/metrics").body;
  EXPECT_NE(metrics.find("nodezero_completions_left_total 1\n"), std::string::npos) << metrics;
}

TEST(BadClients, AreToldWhenTheirTimeIsUp) {
  auto settings = small_model();
  settings.options.request_time = std::chrono::milliseconds(20);
  const SmallServer server(settings);
  EXPECT_EQ(status_of(server, "GET /health HT"), 408);
  EXPECT_EQ(status_of(server,
                      "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
                      "Content-Length: 1000\r\n\r\n{"),
            408);
}

TEST(BadClients, MayNotStayWithoutAsking) {
  auto settings = small_model();
  settings.options.idle_time = std::chrono::milliseconds(20);
  const SmallServer server(settings);
  EXPECT_TRUE(server.connect().is_closed_by_server());
}

/// Asks for an answer without end, which it does not read, on the only lane.
HttpClient deaf_client(const SmallServer& server) {
  auto client = server.connect();
  client.send(post_request("/v1/completions", json{{"model", "small"},
                                                   {"prompt", "a"},
                                                   {"max_tokens", 1'000'000'000},
                                                   {"logprobs", 5},
                                                   {"stream", true}}
                                                  .dump()));
  return client;
}

actors::ModelServerSettings model_of_one_lane() {
  auto settings = small_model();
  settings.options.most_tokens = 1'000'000'000;
  settings.lanes = 1;
  settings.options.together = 1;
  return settings;
}

TEST(BadClients, MayNotTakeTheirAnswersTooSlowly) {
  auto settings = model_of_one_lane();
  settings.options.write_time = std::chrono::milliseconds(20);
  settings.options.unsent = 1'000'000'000;
  const SmallServer server(settings);
  const auto client = deaf_client(server);
  EXPECT_EQ(server.complete({{"prompt", "b"}, {"max_tokens", 3}})["usage"]["completion_tokens"], 3);
}

TEST(BadClients, MayNotLeaveTheirAnswersUnread) {
  auto settings = model_of_one_lane();
  settings.options.unsent = 100'000;
  const SmallServer server(settings);
  const auto client = deaf_client(server);
  // The only lane becomes free when the answer's buffers are full.
  EXPECT_EQ(server.complete({{"prompt", "b"}, {"max_tokens", 3}})["usage"]["completion_tokens"], 3);
}

}  // namespace
}  // namespace nodezero::test
