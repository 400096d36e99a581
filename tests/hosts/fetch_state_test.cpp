// SPDX-License-Identifier: BSD-3-Clause
#include "actors/hosts/fetch_state.hpp"

#include <deque>
#include <utility>

#include <gtest/gtest.h>

#include "actors/wire.hpp"

namespace nodezero::actors {
namespace {

/// Answers each attempt to connect with the next failure.
class FailingNetwork : public runtime::NetworkAccess {
 public:
  explicit FailingNetwork(std::deque<ErrorCode> failures) : failures(std::move(failures)) {}

  void configure(caf::actor_system_config&) override {}
  Result<std::string> publish(caf::actor_system&, const caf::strong_actor_ptr&) override {
    return "";
  }
  Result<caf::strong_actor_ptr> connect(caf::actor_system&, const std::string&) override {
    const ErrorCode code = failures.front();
    failures.pop_front();
    return fail(code, "no connection");
  }
  std::string own_address() const override { return ""; }
  void close() override {}

  std::deque<ErrorCode> failures;
};

TEST(FetchState, WaitsForAHostThatDoesNotListenYetAndForNothingElse) {
  const auto network = std::make_shared<FailingNetwork>(
      std::deque{ErrorCode::not_found, ErrorCode::io, ErrorCode::not_found});
  const auto state = fetch_state({.network = network, .host = "moon"});
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().code, ErrorCode::io);
  EXPECT_EQ(network->failures.size(), 1);
}

/// Somewhere a host has the state of a model with such an identity.
class OneHost : public FailingNetwork {
 public:
  explicit OneHost(std::string identity) : FailingNetwork({}), identity_(std::move(identity)) {}

  void configure(caf::actor_system_config& config) override { wire::register_messages(config); }
  Result<caf::strong_actor_ptr> connect(caf::actor_system& system, const std::string&) override {
    const auto host = system.spawn([identity = identity_]() -> caf::behavior {
      return {[identity](const wire::want_state&) {
        return wire::admitted{1, 0, encode(HostSettings{}), identity, {}};
      }};
    });
    return caf::actor_cast<caf::strong_actor_ptr>(host);
  }

 private:
  std::string identity_;
};

TEST(FetchState, TakesNoHostsModelAndShowsItsNameEscaped) {
  const auto state =
      fetch_state({.network = std::make_shared<OneHost>("\x1b[31mred"), .host = "moon"});
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(state.error().message.find("the state of \\x1B[31mred,"), std::string::npos)
      << state.error().message;
}

}  // namespace
}  // namespace nodezero::actors
