// SPDX-License-Identifier: BSD-3-Clause

// The server as a client sees it.

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "support/small_server.hpp"

namespace nodezero::test {
namespace {

using nlohmann::json;

std::string joined_text(const std::vector<std::string>& events, std::size_t index = 0) {
  std::string text;
  for (const auto& event : events) {
    if (event != "[DONE]") {
      const auto document = json::parse(event);
      for (const auto& choice : document["choices"]) {
        text += choice["index"] == index ? choice["text"].get<std::string>() : "";
      }
    }
  }
  return text;
}

TEST(Server, SaysThatItIsThereAndWhatItServes) {
  const SmallServer server;
  auto client = server.connect();
  EXPECT_EQ(client.get("/health").body, R"({"status":"ok"})");
  const auto list = json::parse(client.get("/v1/models").body);
  EXPECT_EQ(list["object"], "list");
  EXPECT_EQ(list["data"][0]["id"], "small");
  EXPECT_EQ(list["data"][0]["object"], "model");
  EXPECT_EQ(list["data"][0]["digest"], "0123456789abcdef");
  EXPECT_EQ(json::parse(client.get("/v1/models/small").body)["id"], "small");
  EXPECT_EQ(client.get("/v1/models/other").status, 404);
  EXPECT_EQ(client.get("/nothing").status, 404);
  EXPECT_EQ(client.post("/health", "").status, 405);
  EXPECT_EQ(client.get("/v1/completions").status, 405);
}

TEST(Server, SaysThatItsModelIsBeingLoaded) {
  const auto settings = small_model();
  const auto server = actors::ModelServer::open(settings.options, settings.lanes).value();
  HttpClient client(server->port());
  const auto health = client.get("/health");
  EXPECT_EQ(health.status, 503);
  EXPECT_EQ(health.body, R"({"status":"loading"})");
  for (const auto& response :
       {client.get("/v1/models"), client.get("/metrics"), client.post("/v1/completions", "{}")}) {
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(response.headers.at("retry-after"), "1");
    EXPECT_EQ(json::parse(response.body)["error"]["code"], "loading");
  }
  server->serve(settings);
  while (client.get("/health").status != 200) {
  }
  const json body = {{"model", "small"}, {"prompt", "abc"}, {"max_tokens", 5}};
  EXPECT_EQ(client.post("/v1/completions", body.dump()).status, 200);
}

TEST(Server, SaysWhyItDoesNotChat) {
  auto settings = small_model();
  const auto why = [&] {
    const SmallServer server(settings);
    const auto response = server.connect().post("/v1/chat/completions", "{}");
    EXPECT_EQ(response.status, 404);
    const auto error = json::parse(response.body)["error"];
    EXPECT_EQ(error["code"], "no_chat_template");
    return error["message"].get<std::string>();
  };
  EXPECT_NE(why().find("base model"), std::string::npos);
  settings.model.has_chat_template = true;
  EXPECT_NE(why().find("has a chat template"), std::string::npos);
}

TEST(Server, GeneratesTheBitsThatAreGeneratedOffline) {
  const SmallServer server;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const model::SamplingOptions sampling{.temperature = 0.5 + 0.1 * static_cast<double>(seed),
                                          .top_k = static_cast<std::int64_t>(seed % 3) * 20,
                                          .top_p = seed % 2 == 0 ? 1.0 : 0.9,
                                          .seed = seed};
    const std::string prompt = "some text " + std::to_string(seed);
    const json body = {{"prompt", prompt},
                       {"max_tokens", 70},  // past the context
                       {"temperature", sampling.temperature},
                       {"top_k", sampling.top_k},
                       {"top_p", sampling.top_p},
                       {"seed", seed}};
    const auto answer = server.complete(body);
    const auto& choice = answer["choices"][0];
    EXPECT_EQ(choice["text"], server.offline_text(prompt, 70, sampling));
    EXPECT_EQ(choice["finish_reason"], "length");
    EXPECT_EQ(choice["seed"], seed);
    EXPECT_EQ(answer["system_fingerprint"], "weights-0123456789abcdef");
    EXPECT_EQ(answer["usage"]["prompt_tokens"], prompt.size());
    EXPECT_EQ(answer["usage"]["completion_tokens"], 70);
  }
}

TEST(Server, StreamsTheSameText) {
  const SmallServer server;
  auto client = server.connect();
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const json body = {{"model", "small"},
                       {"prompt", "abc"},
                       {"max_tokens", 40},
                       {"seed", seed},
                       {"stream", true},
                       {"n", 2},
                       {"stream_options", {{"include_usage", true}}}};
    const auto response = client.post("/v1/completions", body.dump());
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.headers.at("content-type"), "text/event-stream; charset=utf-8");
    EXPECT_NE(response.headers.at("x-nodezero-version").find("digest=0123456789abcdef"),
              std::string::npos);
    const auto events = events_of(response.body);
    ASSERT_GE(events.size(), 4u);
    EXPECT_EQ(events.back(), "[DONE]");
    const auto usage = json::parse(events[events.size() - 2]);
    EXPECT_TRUE(usage["choices"].empty());
    EXPECT_EQ(usage["usage"]["completion_tokens"], 80);
    for (std::size_t index = 0; index < 2; ++index) {
      EXPECT_EQ(joined_text(events, index),
                server.offline_text("abc", 40, {.temperature = 1, .seed = seed + index}));
    }
  }
}

TEST(Server, AnswersManyAtOnceEachAsIfAlone) {
  const SmallServer server;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> clients;
  for (std::uint64_t i = 0; i < 24; ++i) {
    clients.emplace_back([&, i] {
      auto client = server.connect();
      for (std::uint64_t round = 0; round < 4; ++round) {
        const auto tokens = static_cast<std::int64_t>(1 + (i * 7 + round * 13) % 60);
        const std::string prompt(1 + (i * 5 + round) % 40, static_cast<char>('a' + i));
        const json body = {{"model", "small"},
                           {"prompt", prompt},
                           {"max_tokens", tokens},
                           {"seed", i},
                           {"stream", (i + round) % 2 == 0}};
        const auto response = client.post("/v1/completions", body.dump());
        const auto text = body["stream"] == true
                              ? joined_text(events_of(response.body))
                              : json::parse(response.body)["choices"][0]["text"].get<std::string>();
        wrong += text == server.offline_text(prompt, tokens, {.temperature = 1, .seed = i}) ? 0 : 1;
      }
    });
  }
  for (auto& client : clients) {
    client.join();
  }
  EXPECT_EQ(wrong, 0);
}

TEST(Server, RefusesInOpenAisWords) {
  const SmallServer server;
  const auto error = server.complete({{"prompt", "a"}, {"model", "other"}}, 404)["error"];
  EXPECT_EQ(error["code"], "model_not_found");
  EXPECT_EQ(error["type"], "invalid_request_error");
  EXPECT_EQ(server.complete({{"prompt", std::string(49, 'a')}}, 400)["error"]["code"],
            "context_length_exceeded");
  EXPECT_EQ(server.complete({{"prompt", "a"}, {"suffix", "b"}}, 400)["error"]["param"], "suffix");
  auto client = server.connect();
  EXPECT_EQ(client.post("/v1/completions", "{").status, 400);
  EXPECT_EQ(client.get("/v1/models", "Origin: http://evil.example\r\n").status, 403);
  auto form = server.connect();
  form.send(
      "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
      "Content-Length: 2\r\n\r\n{}");
  EXPECT_EQ(form.receive().status, 415);
  auto rebound = server.connect();
  rebound.send("GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  EXPECT_EQ(rebound.receive().status, 403);
}

TEST(Server, AsksForItsKey) {
  auto settings = small_model();
  settings.options.key = "secret";
  const SmallServer server(settings);
  auto client = server.connect();
  EXPECT_EQ(client.get("/health").status, 200);
  const auto refused = client.get("/v1/models");
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(json::parse(refused.body)["error"]["code"], "invalid_api_key");
  EXPECT_EQ(client.get("/v1/models", "Authorization: Bearer secre\r\n").status, 401);
  EXPECT_EQ(client.get("/v1/models", "Authorization: Bearer secretsecret\r\n").status, 401);
  EXPECT_EQ(client.get("/v1/models", "Authorization: Bearer secret\r\n").status, 200);
}

TEST(Server, RefusesWhatItsQueueCannotHold) {
  auto settings = small_model();
  settings.options.queue = 3;
  settings.options.most_tokens = 1'000'000'000;
  const SmallServer server(settings);
  EXPECT_EQ(server.complete({{"prompt", "a"}, {"n", 4}}, 400)["error"]["param"], "n");
  // Not a stream, which would have to be read.
  const json body = {{"model", "small"}, {"prompt", "a"}, {"n", 3}, {"max_tokens", 1'000'000'000}};
  auto endless = server.connect();
  endless.send(post_request("/v1/completions", body.dump()));
  auto client = server.connect();
  while (client.get("/metrics").body.find("nodezero_open_choices 3\n") == std::string::npos) {
  }
  const auto response =
      client.post("/v1/completions", json{{"model", "small"}, {"prompt", "a"}}.dump());
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(response.headers.at("retry-after"), "1");
  EXPECT_EQ(json::parse(response.body)["error"]["code"], "queue_full");
}

TEST(Server, ForgetsAClientThatLeaves) {
  auto settings = small_model();
  settings.lanes = 1;
  settings.options.together = 1;
  settings.options.most_tokens = 1'000'000'000;
  const SmallServer server(settings);
  auto endless = server.connect();
  endless.send(post_request(
      "/v1/completions",
      json{{"model", "small"}, {"prompt", "a"}, {"max_tokens", 1'000'000'000}, {"stream", true}}
          .dump()));
  ASSERT_TRUE(endless.wait_for("data: "));
  endless.leave();
  // The only lane is free again.
  EXPECT_EQ(server.complete({{"prompt", "b"}, {"max_tokens", 3}})["usage"]["completion_tokens"], 3);
}

TEST(Server, TakesBodiesInChunks) {
  const SmallServer server;
  auto client = server.connect();
  const auto whole =
      json{{"model", "small"}, {"prompt", "abc"}, {"max_tokens", 5}, {"seed", 3}}.dump();
  const auto chunk = [](const std::string& bytes) {
    return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
  };
  client.send(
      "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n" +
      chunk(whole.substr(0, 9)) + chunk(whole.substr(9)) + "0\r\n\r\n");
  EXPECT_EQ(json::parse(client.receive().body)["choices"][0]["text"],
            server.offline_text("abc", 5, {.temperature = 1, .seed = 3}));
  EXPECT_EQ(client.get("/health").status, 200) << "the connection goes on";
}

TEST(Server, EndsAnAnswerWhoseTimeIsUp) {
  auto settings = small_model();
  settings.lanes = 1;
  settings.options.together = 1;
  settings.options.most_tokens = 1'000'000'000;
  const SmallServer server(settings);
  json answer;
  for (double timeout = 0.1; !answer.contains("choices"); timeout *= 2) {
    // Refused if not even a first token came in that time.
    answer = json::parse(server.connect()
                             .post("/v1/completions", json{{"model", "small"},
                                                           {"prompt", "a"},
                                                           {"max_tokens", 1'000'000'000},
                                                           {"timeout", timeout}}
                                                          .dump())
                             .body);
  }
  EXPECT_EQ(answer["choices"][0]["finish_reason"], "length");
  EXPECT_GT(answer["usage"]["completion_tokens"], 0);
  // Its lane is free again, and is taken by one that never ends.
  auto busy = server.connect();
  busy.send(post_request(
      "/v1/completions",
      json{{"model", "small"}, {"prompt", "a"}, {"max_tokens", 1'000'000'000}, {"stream", true}}
          .dump()));
  ASSERT_TRUE(busy.wait_for("data: "));
  const auto late = server.complete({{"prompt", "b"}, {"timeout", 0.001}}, 503);
  EXPECT_EQ(late["error"]["code"], "timed_out");
  busy.leave();
  EXPECT_EQ(server.complete({{"prompt", "b"}, {"max_tokens", 3}})["usage"]["completion_tokens"], 3);
}

TEST(Server, EndsRunningAnswersWhenItIsToStop) {
  auto settings = small_model();
  settings.options.most_tokens = 1'000'000'000;
  settings.options.drain_time = std::chrono::milliseconds(1);
  SmallServer server(settings);
  auto idle = server.connect();
  EXPECT_EQ(idle.get("/health").status, 200);
  auto client = server.connect();
  client.send(post_request(
      "/v1/completions",
      json{{"model", "small"}, {"prompt", "a"}, {"max_tokens", 1'000'000'000}, {"stream", true}}
          .dump()));
  ASSERT_TRUE(client.wait_for("data: "));
  server.server().drain();
  const auto events = events_of(client.receive().body);
  ASSERT_GE(events.size(), 2u);
  EXPECT_EQ(events.back(), "[DONE]");
  EXPECT_EQ(json::parse(events[events.size() - 2])["choices"][0]["finish_reason"], "length");
  EXPECT_TRUE(idle.is_closed_by_server());
  server.server().wait();
}

TEST(Server, CountsInPrometheusText) {
  const SmallServer server;
  server.complete({{"prompt", "abc"}, {"max_tokens", 5}});
  const auto response = server.connect().get("/metrics");
  EXPECT_EQ(response.headers.at("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  for (const char* const line :
       {"nodezero_prompt_tokens_total 3\n", "nodezero_generated_tokens_total 5\n",
        "nodezero_http_answers_total{status=\"200\"} 1\n", "nodezero_open_choices 0\n",
        "nodezero_time_to_first_token_seconds_bucket{le=\"+Inf\"} 1\n",
        "nodezero_version_completions_total{version=\"0\",step=\"0\"} 1\n",
        "nodezero_version_generated_tokens_total{version=\"0\",step=\"0\"} 5\n"}) {
    EXPECT_NE(response.body.find(line), std::string::npos) << line << response.body;
  }
}

}  // namespace
}  // namespace nodezero::test
