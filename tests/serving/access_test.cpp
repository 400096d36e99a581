// SPDX-License-Identifier: BSD-3-Clause
#include "actors/serving/access.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/small_server.hpp"

namespace nodezero::actors {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

formats::HttpRequest request(Headers headers, const std::string& method = "GET") {
  formats::HttpRequest request;
  request.method = method;
  request.path = "/v1/models";
  request.headers = std::move(headers);
  return request;
}

/// The status of the refusal; 0: it is let in.
int refusal(const ServingOptions& options, Headers headers, const std::string& method = "GET") {
  const auto refused = refused_access(request(std::move(headers), method), options);
  return refused ? refused->status : 0;
}

TEST(Access, WithoutAKeyIsForNamesOfThisMachine) {
  const ServingOptions options;
  for (const char* const host :
       {"localhost", "LocalHost:8080", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:8080"}) {
    EXPECT_EQ(refusal(options, {{"host", host}}), 0) << host;
  }
  for (const char* const host : {"evil.example", "localhost.evil.example", "evil.example:8080",
                                 "127.0.0.1.evil.example", "[::2]", "0.0.0.0",
                                 "localhost:"
                                 "8080@evil.example",
                                 "192.168.0.7:8080"}) {
    EXPECT_EQ(refusal(options, {{"host", host}}), 403) << host;
  }
}

TEST(Access, WithTheKeyIsForAnyName) {
  const ServingOptions options{.key = "secret"};
  const std::string host = "model.example";
  EXPECT_EQ(refusal(options, {{"host", host}, {"authorization", "Bearer secret"}}), 0);
  EXPECT_EQ(refusal(options, {{"host", host}, {"authorization", "bearer secret"}}), 0);
  EXPECT_EQ(refusal(options, {{"host", host}}), 401);
  for (const char* const given :
       {"", "Bearer", "Bearer ", "Bearer secre", "Bearer secret ", "Bearer secrets",
        "Bearer secretsecret", "Basic secret", "secret", "Bearer Secret"}) {
    EXPECT_EQ(refusal(options, {{"host", host}, {"authorization", given}}), 401) << given;
  }
}

TEST(Access, OfPagesIsForListedOrigins) {
  const ServingOptions options{.origins = {"http://localhost:3000", "https://app.example"}};
  const auto from = [&](const std::string& origin) {
    return refusal(options, {{"host", "localhost:8080"}, {"origin", origin}});
  };
  EXPECT_EQ(from("http://localhost:3000"), 0);
  EXPECT_EQ(from("https://app.example"), 0);
  EXPECT_EQ(from("http://localhost:8080"), 0) << "the server's own page";
  for (const char* const origin : {"http://app.example", "https://app.example:444", "null",
                                   "https://app.example.evil.example", "https://evil.example"}) {
    EXPECT_EQ(from(origin), 403) << origin;
  }
  EXPECT_EQ(refusal({.origins = {"*"}}, {{"host", "localhost"}, {"origin", "https://any.example"}}),
            0);
}

TEST(Access, TellsBrowsersOfListedOriginsOnly) {
  const ServingOptions options{.origins = {"https://app.example"}};
  EXPECT_EQ(cors_headers(request({{"origin", "https://app.example"}}), options),
            "Access-Control-Allow-Origin: https://app.example\r\nVary: Origin\r\n");
  EXPECT_EQ(cors_headers(request({{"origin", "https://evil.example"}}), options), "");
  EXPECT_EQ(cors_headers(request({}), options), "");
  EXPECT_EQ(cors_headers(request({{"origin", "https://app.example"}}), {}), "");
}

TEST(Access, IsAskedForByBrowsersWithoutTheKey) {
  auto settings = test::small_model();
  settings.options.key = "secret";
  settings.options.origins = {"https://app.example"};
  const test::SmallServer server(settings);
  auto client = server.connect();
  const auto preflight = [&](const std::string& origin) {
    client.send("OPTIONS /v1/completions HTTP/1.1\r\nHost: model.example\r\nOrigin: " + origin +
                "\r\nAccess-Control-Request-Method: POST\r\n"
                "Access-Control-Request-Headers: authorization,content-type\r\n\r\n");
    return client.receive();
  };
  auto allowed = preflight("https://app.example");
  EXPECT_EQ(allowed.status, 200);
  EXPECT_EQ(allowed.headers["access-control-allow-origin"], "https://app.example");
  EXPECT_EQ(allowed.headers["access-control-allow-headers"], "authorization,content-type");
  const auto refused = preflight("https://evil.example");
  EXPECT_EQ(refused.status, 403);
  EXPECT_FALSE(refused.headers.contains("access-control-allow-origin"));
  // The request itself needs the key, and a page may read that it is missing.
  auto without = client.get("/v1/models", "Origin: https://app.example\r\n");
  EXPECT_EQ(without.status, 401);
  EXPECT_EQ(without.headers["access-control-allow-origin"], "https://app.example");
  EXPECT_EQ(
      client.get("/v1/models", "Origin: https://app.example\r\nAuthorization: Bearer secret\r\n")
          .status,
      200);
}

}  // namespace
}  // namespace nodezero::actors
