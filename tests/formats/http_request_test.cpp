// SPDX-License-Identifier: BSD-3-Clause
#include "formats/http_request.hpp"

#include <string>

#include <gtest/gtest.h>

namespace nodezero::formats {
namespace {

using Progress = HttpRequestReader::Progress;

const std::string post =
    "POST /v1/completions?x=1 HTTP/1.1\r\nHost: localhost:8080\r\nContent-Length: 5\r\n"
    "Content-TYPE:  application/json \r\n\r\nhello";

/// The status that these bytes are refused with; 0 if a request is whole, -1 if more is awaited.
int status_of(const std::string& bytes, HttpRequestReader::Limits limits = {}) {
  HttpRequestReader reader(limits);
  reader.add(bytes);
  switch (reader.look()) {
    case Progress::ready:
      return 0;
    case Progress::waiting:
      return -1;
    case Progress::refused:
      break;
  }
  return reader.refusal().status;
}

std::string get(const std::string& headers, const std::string& line = "GET / HTTP/1.1") {
  return line + "\r\n" + headers + "\r\n";
}

TEST(HttpRequest, IsWholeInWhateverPiecesItComes) {
  for (std::size_t piece = 1; piece <= post.size(); ++piece) {
    HttpRequestReader reader;
    for (std::size_t at = 0; at < post.size(); at += piece) {
      ASSERT_EQ(reader.look(), Progress::waiting) << piece;
      reader.add(std::string_view(post).substr(at, piece));
    }
    ASSERT_EQ(reader.look(), Progress::ready) << piece;
    const auto request = reader.take();
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.path, "/v1/completions");
    EXPECT_EQ(request.query, "x=1");
    EXPECT_EQ(request.header("content-type"), "application/json");
    EXPECT_EQ(request.body, "hello");
    EXPECT_TRUE(request.keeps_alive);
    EXPECT_FALSE(reader.is_inside());
  }
}

TEST(HttpRequest, FollowsAnotherOnTheSameConnection) {
  HttpRequestReader reader;
  reader.add(post + post + "GET ");
  ASSERT_EQ(reader.look(), Progress::ready);
  EXPECT_EQ(reader.take().body, "hello");
  ASSERT_EQ(reader.look(), Progress::ready);
  EXPECT_EQ(reader.take().body, "hello");
  EXPECT_EQ(reader.look(), Progress::waiting);
  EXPECT_TRUE(reader.is_inside());
}

TEST(HttpRequest, IsRefusedIfTwoProgramsCouldReadItDifferently) {
  const std::string host = "Host: a\r\n";
  EXPECT_EQ(status_of(get(host)), 0);
  EXPECT_EQ(status_of("GET / HTTP/1.1\nHost: a\n\n"), -1) << "no line has ended";
  EXPECT_EQ(status_of(get("Host: a\nX: b\r\n")), 400) << "a control character";
  EXPECT_EQ(status_of(get("Host : a\r\n")), 400);
  EXPECT_EQ(status_of(get(host + " folded\r\n")), 400);
  EXPECT_EQ(status_of(get(host + "X: a\rb\r\n")), 400);
  EXPECT_EQ(status_of(get(host + std::string("X: a\0b\r\n", 8))), 400);
  EXPECT_EQ(status_of(get(host + host)), 400);
  EXPECT_EQ(status_of(get("")), 400) << "no Host";
  EXPECT_EQ(status_of(get("", "GET / HTTP/1.0")), 0);
  EXPECT_EQ(status_of(get(host, "GET http://a/ HTTP/1.1")), 400);
  EXPECT_EQ(status_of(get(host, "GET / x HTTP/1.1")), 400);
  EXPECT_EQ(status_of(get(host, "GET  / HTTP/1.1")), 400);
  EXPECT_EQ(status_of(get(host, "G(T / HTTP/1.1")), 400);
  EXPECT_EQ(status_of(get(host, "GET / HTTP/2.0")), 505);
  EXPECT_EQ(status_of(get(host, "hello")), 400);
  for (const char* const length : {"", "-1", "+1", "0x1", "1 1", "1,1", "one", "1."}) {
    EXPECT_EQ(status_of(get(host + "Content-Length: " + length + "\r\n")), 400) << length;
  }
  EXPECT_EQ(status_of(get(host + "Content-Length: 1\r\nContent-Length: 1\r\n")), 400);
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  EXPECT_EQ(status_of(get(host + chunked)), -1);
  EXPECT_EQ(status_of(get(host + chunked + chunked)), 400);
  EXPECT_EQ(status_of(get(host + chunked + "Content-Length: 1\r\n")), 400);
  EXPECT_EQ(status_of(get(chunked, "GET / HTTP/1.0")), 400);
  EXPECT_EQ(status_of(get(host + "Transfer-Encoding: gzip, chunked\r\n")), 501);
  EXPECT_EQ(status_of(get(host + "Expect: tea\r\n")), 417);
}

TEST(HttpRequest, IsRefusedBeyondTheLimits) {
  const HttpRequestReader::Limits limits{.header = 100, .headers = 3, .body = 10};
  const std::string host = "Host: a\r\n";
  EXPECT_EQ(status_of(std::string(101, 'x'), limits), 431);
  EXPECT_EQ(status_of(get(host + "X: " + std::string(100, 'x') + "\r\n"), limits), 431);
  EXPECT_EQ(status_of(get(host + "A: 1\r\nB: 1\r\nC: 1\r\n"), limits), 431);
  EXPECT_EQ(status_of(get(host + "Content-Length: 11\r\n"), limits), 413);
  EXPECT_EQ(status_of(get(host + "Content-Length: 99999999999999999999999\r\n"), limits), 413);
  EXPECT_EQ(status_of(get(host + "Content-Length: 10\r\n") + "0123456789", limits), 0);
}

const std::string chunked_head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n";

TEST(HttpRequest, MayHaveItsBodyInChunks) {
  const std::string bytes =
      chunked_head + "5\r\nhello\r\n00c\r\n, there\r\nyou\r\n0\r\n\r\n" + post;
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    HttpRequestReader reader;
    std::string body;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      reader.add(std::string_view(bytes).substr(at, piece));
      while (reader.look() == Progress::ready) {
        body += reader.take().body + ";";
      }
    }
    ASSERT_EQ(body, "hello, there\r\nyou;hello;") << piece;
    EXPECT_FALSE(reader.is_inside());
  }
}

TEST(HttpRequest, IsRefusedIfItsChunksAreNot) {
  for (const char* const body : {"\r\n", "x\r\n", "-1\r\n", "0x1\r\n", "+1\r\n", " 1\r\n", "1 \r\n",
                                 "1;a=b\r\n", "000000001\r\n", "0000000001", "1\r\nxy\r\n",
                                 "1\r\nx\n", "0\r\nTrailer: 1\r\n\r\n", "0\r\n\n"}) {
    EXPECT_EQ(status_of(chunked_head + body), 400) << body;
  }
  const HttpRequestReader::Limits limits{.body = 10};
  EXPECT_EQ(status_of(chunked_head + "b\r\n", limits), 413);
  EXPECT_EQ(status_of(chunked_head + "6\r\n012345\r\n5\r\n", limits), 413);
  EXPECT_EQ(status_of(chunked_head + "ffffffff\r\n"), 413);
  EXPECT_EQ(status_of(chunked_head + "a\r\n0123456789\r\n0\r\n\r\n", limits), 0);
}

TEST(HttpRequest, SaysWhetherTheConnectionGoesOn) {
  const auto keeps = [](const std::string& bytes) {
    HttpRequestReader reader;
    reader.add(bytes);
    EXPECT_EQ(reader.look(), Progress::ready);
    return reader.take().keeps_alive;
  };
  EXPECT_TRUE(keeps(get("Host: a\r\n")));
  EXPECT_FALSE(keeps(get("Host: a\r\nConnection: Keep-Alive, CLOSE\r\n")));
  EXPECT_FALSE(keeps(get("", "GET / HTTP/1.0")));
  EXPECT_TRUE(keeps(get("Connection: keep-alive\r\n", "GET / HTTP/1.0")));
}

TEST(HttpRequest, MayWaitForLeaveToSendItsBody) {
  HttpRequestReader reader;
  reader.add("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(reader.look(), Progress::waiting);
  EXPECT_TRUE(reader.take_wish_for_continue());
  EXPECT_FALSE(reader.take_wish_for_continue());
  reader.add("x");
  EXPECT_EQ(reader.look(), Progress::ready);
}

}  // namespace
}  // namespace nodezero::formats
