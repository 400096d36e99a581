// SPDX-License-Identifier: BSD-3-Clause

// Who gets through the door of a machine, and who does not.

#include "runtime/network/tunnel.hpp"

#include <array>
#include <condition_variable>
#include <mutex>
#include <netinet/in.h>
#include <optional>
#include <poll.h>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

namespace nodezero::runtime::network {
namespace {

Secret secret_of(unsigned char byte) {
  Secret secret;
  secret.bytes.fill(static_cast<std::byte>(byte));
  return secret;
}

/// A tunnel that listens, and what it has said.
class Listener {
 public:
  explicit Listener(const Secret& secret, TunnelLimits limits = {})
      : tunnel_(*identity_of(secret), limits) {
    auto socket = listen_at({"127.0.0.1", 0});
    endpoint_ = {"127.0.0.1", port_of(*socket)};
    tunnel_.listen(
        std::move(*socket),
        [this](FileHandle connection) {
          const std::lock_guard lock(mutex_);
          connection_ = std::move(connection);
          changed_.notify_all();
        },
        [this](const std::string&, const std::string& why) {
          const std::lock_guard lock(mutex_);
          refusal_ = why;
          changed_.notify_all();
        });
    tunnel_.start();
  }
  ~Listener() { tunnel_.close(); }

  const Endpoint& endpoint() const { return endpoint_; }
  FileHandle connection() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return static_cast<bool>(connection_); });
    return std::move(connection_);
  }
  std::string refusal() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return refusal_.has_value(); });
    return *std::exchange(refusal_, std::nullopt);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  FileHandle connection_;
  std::optional<std::string> refusal_;
  Endpoint endpoint_;
  Tunnel tunnel_;
};

constexpr auto patience = std::chrono::seconds(60);

void say(const FileHandle& socket, std::string text) {
  while (!text.empty()) {
    ASSERT_TRUE(wait_for(socket, POLLOUT, std::chrono::steady_clock::now() + patience));
    const auto size = ::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL);
    ASSERT_GT(size, 0);
    text.erase(0, static_cast<std::size_t>(size));
  }
}

std::string hear(const FileHandle& socket, std::size_t size) {
  std::string text;
  std::array<char, 65'536> buffer;
  while (text.size() < size &&
         wait_for(socket, POLLIN, std::chrono::steady_clock::now() + patience)) {
    const auto got = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (got <= 0) {
      break;
    }
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return text;
}

TEST(Tunnel, CarriesBytesBothWaysBetweenThoseWithTheSecret) {
  Listener listener(secret_of(1));
  Tunnel tunnel(*identity_of(secret_of(1)));
  tunnel.start();
  auto here = tunnel.connect(listener.endpoint(), patience);
  ASSERT_TRUE(here) << here.error().message;
  auto there = listener.connection();
  say(*here, "hello");
  EXPECT_EQ(hear(there, 5), "hello");
  std::string much(3'000'000, ' ');
  for (std::size_t i = 0; i < much.size(); ++i) {
    much[i] = static_cast<char>(i * 31 / 7);
  }
  std::thread sender([&] { say(there, much); });
  EXPECT_TRUE(hear(*here, much.size()) == much);
  sender.join();
  here = FileHandle();  // its end is heard of there
  EXPECT_EQ(hear(there, 1), "");
}

TEST(Tunnel, LetsNobodyInWithAnotherSecretAndSaysWhyOnBothSides) {
  Listener listener(secret_of(1));
  Tunnel tunnel(*identity_of(secret_of(2)));
  tunnel.start();
  const auto here = tunnel.connect(listener.endpoint(), patience);
  ASSERT_FALSE(here);
  EXPECT_NE(here.error().message.find("not this run's secret"), std::string::npos)
      << here.error().message;
  EXPECT_EQ(listener.refusal(), "not this run's secret");
}

TEST(Tunnel, SendsStrangersAway) {
  Listener listener(secret_of(1));
  // What would make CAF allocate 4 GiB, and what a browser says.
  for (const std::string& words :
       {std::string(32, '\xff'), std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n")}) {
    auto stranger = connect_to(listener.endpoint(), patience);
    ASSERT_TRUE(stranger);
    say(*stranger, words);
    EXPECT_FALSE(listener.refusal().empty());
    while (!hear(*stranger, 1).empty()) {  // an alert, and then the end
    }
  }
}

TEST(Tunnel, DoesNotWaitForTheSilent) {
  Listener listener(secret_of(1), {.handshake = std::chrono::milliseconds(1)});
  auto stranger = connect_to(listener.endpoint(), patience);
  ASSERT_TRUE(stranger);
  EXPECT_EQ(listener.refusal(), "it says nothing");
  EXPECT_EQ(hear(*stranger, 1), "");
}

TEST(Tunnel, HasOnlySoManyAtTheDoor) {
  Listener listener(secret_of(1), {.handshakes = 2});
  std::vector<FileHandle> strangers;
  for (int i = 0; i < 2; ++i) {
    strangers.push_back(std::move(*connect_to(listener.endpoint(), patience)));
  }
  auto third = connect_to(listener.endpoint(), patience);
  ASSERT_TRUE(third);
  EXPECT_EQ(hear(*third, 1), "");
}

TEST(Tunnel, CarriesOnWhileNoDescriptorsAreLeftAndLetsInWhoHasWaited) {
  Listener listener(secret_of(1));
  Tunnel tunnel(*identity_of(secret_of(1)));
  tunnel.start();
  auto here = tunnel.connect(listener.endpoint(), patience);
  ASSERT_TRUE(here) << here.error().message;
  auto there = listener.connection();

  FileHandle stranger(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit few{static_cast<rlim_t>(stranger.get()) + 8, limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  std::vector<FileHandle> all;
  for (;;) {
    FileHandle one(::dup(stranger.get()));
    if (!one) {
      break;
    }
    all.push_back(std::move(one));
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(listener.endpoint().port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int connected =
      ::connect(stranger.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  say(*here, "hello");
  const std::string heard = hear(there, 5);
  all.clear();
  ::setrlimit(RLIMIT_NOFILE, &limit);
  EXPECT_EQ(connected, 0);
  EXPECT_EQ(heard, "hello");
  say(stranger, "GET / HTTP/1.1\r\n\r\n");
  EXPECT_FALSE(listener.refusal().empty());  // it was let as far as the handshake
}

TEST(Endpoints, TellAPortWhereNobodyListensFromOtherFailures) {
  auto listener = listen_at({"127.0.0.1", 0});
  ASSERT_TRUE(listener);
  const Endpoint endpoint{"127.0.0.1", port_of(*listener)};
  EXPECT_TRUE(connect_to(endpoint, std::chrono::seconds(10)));
  *listener = {};
  const auto refused = connect_to(endpoint, std::chrono::seconds(10));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::not_found);
  const auto elsewhere = connect_to({"255.255.255.255", 1}, std::chrono::seconds(10));
  ASSERT_FALSE(elsewhere);
  EXPECT_EQ(elsewhere.error().code, ErrorCode::io);
}

TEST(Endpoints, AreReadStrictly) {
  const auto parsed = [](const std::string& text) {
    const auto endpoint = parse_endpoint(text);
    return endpoint ? to_string(*endpoint) : "refused";
  };
  EXPECT_EQ(parsed("moon"), "moon:4720");
  EXPECT_EQ(parsed("moon:80"), "moon:80");
  EXPECT_EQ(parsed(":80"), ":80");
  EXPECT_EQ(parsed("[::1]:80"), "[::1]:80");
  EXPECT_EQ(parsed("[::1]"), "[::1]:4720");
  for (const char* text :
       {"", ":", "moon:", "moon:x", "moon:80x", "moon:70000", "[::1]80", "[x:80", "x]:y:80"}) {
    EXPECT_EQ(parsed(text), "refused") << text;
  }
}

}  // namespace
}  // namespace nodezero::runtime::network
