// SPDX-License-Identifier: BSD-3-Clause

// Whom a run takes for a host, and whom it puts out again.

#include <optional>

#include <gtest/gtest.h>

#include "hosts/support/machines.hpp"

namespace nodezero::actors::testing {
namespace {

/// A host that says what a test likes.
class FakeHost : public caf::event_based_actor {
 public:
  struct Heard {
    std::optional<wire::admitted> admitted;
    bool has_state = false;
    std::optional<wire::plan> plan;
    std::string refusal;
  };

  FakeHost(caf::actor_config& config, std::shared_ptr<Heard> heard)
      : event_based_actor(config), heard_(std::move(heard)) {}

  caf::behavior make_behavior() override {
    return {
        [this](const wire::admitted& message) { heard_->admitted = message; },
        [this](const wire::state_block&) { return_credit(); },
        [this](const wire::state_end&) {
          heard_->has_state = true;
          return_credit();
        },
        [this](const wire::plan& message) { heard_->plan = message; },
        [this](const wire::refused& message) { heard_->refusal = message.reason; },
        [](const wire::work&) {},
        [](const wire::part&) {},
        [](const wire::sum&) {},
        [](const wire::give_up&) {},
        [](const wire::commit&) { ADD_FAILURE() << "a step was committed"; },
        [](const wire::ended&) {},
    };
  }

 private:
  void return_credit() { send(caf::actor_cast<caf::actor>(current_sender()), wire::credit{1}); }

  std::shared_ptr<Heard> heard_;
};

class Admission : public ::testing::Test {
 protected:
  ~Admission() override {
    caf::anon_send_exit(host_, caf::exit_reason::kill);
    host_ = nullptr;
    run();
  }

  void run() {
    while (machines_.step()) {
    }
  }
  template <class Message>
  void say(Message message) {
    caf::send_as(host_, caf::actor_cast<caf::actor>(machines_.coordinator().pointer()),
                 std::move(message));
    run();
  }
  void join(const std::string& name, const std::string& protocol = wire::protocol_digest(),
            std::uint64_t process = 1) {
    say(wire::join{protocol, "0.0.1", name, process, 1, "",
                   caf::actor_cast<caf::strong_actor_ptr>(host_)});
  }
  void be_ready(std::uint64_t self_test) {
    machines_.start();
    join("moon-3");
    ASSERT_TRUE(heard_->has_state);
    say(wire::ready{self_test, caf::actor_cast<caf::strong_actor_ptr>(host_)});
  }

  RunSettings settings_ = settings_of(4);
  Machines machines_{settings_, 1, 0};
  std::shared_ptr<FakeHost::Heard> heard_ = std::make_shared<FakeHost::Heard>();
  caf::actor host_ = machines_.system().spawn<FakeHost>(heard_);
};

TEST_F(Admission, NeedsTheSameProtocol) {
  join("moon-3", "another");
  EXPECT_NE(heard_->refusal.find("nodezero 0.0.1 there"), std::string::npos) << heard_->refusal;
  EXPECT_FALSE(heard_->admitted);
}

TEST_F(Admission, NeedsANameOfItsOwn) {
  join("moon-3");
  ASSERT_TRUE(heard_->admitted);
  join("moon-3", wire::protocol_digest(), 2);
  EXPECT_NE(heard_->refusal.find("here already"), std::string::npos);
  heard_->refusal.clear();
  join("moon-3");  // the process that is here, which has lost its connection
  EXPECT_EQ(heard_->refusal, "");
  EXPECT_EQ(heard_->admitted->machine, 2);
  join("moon\x1b[31m");
  EXPECT_NE(heard_->refusal.find("its name is not"), std::string::npos);
}

TEST_F(Admission, NeedsTheRootsBitsInASelfTest) {
  be_ready(self_test(settings_.training) + 1);
  EXPECT_NE(heard_->refusal.find("its self-test computes other bits"), std::string::npos);
  EXPECT_FALSE(heard_->plan);
}

TEST_F(Admission, GivesNobodyThePowerToCommitAStepThatIsNotWhole) {
  be_ready(self_test(settings_.training));
  ASSERT_TRUE(heard_->plan);
  // It computes nothing, and claims to have all of a sum.
  say(wire::gathered{heard_->plan->term, heard_->admitted->machine, 1, 0, 0, {}});
  // The others wait for its part.
  EXPECT_FALSE(machines_.has_ended());
  EXPECT_EQ(heard_->refusal, "");
  caf::anon_send_exit(host_, caf::exit_reason::kill);
  run();
  EXPECT_TRUE(machines_.has_ended());
  EXPECT_EQ(machines_.digest(), alone(settings_));
}

}  // namespace
}  // namespace nodezero::actors::testing
