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
    caf::actor coordinator;  ///< that has admitted it
    bool has_state = false;
    std::optional<wire::plan> plan;
    std::string refusal;
    std::uint64_t progress = 0;
    std::optional<std::uint64_t> self_test;  ///< that it says at once when it has the state
  };

  FakeHost(caf::actor_config& config, std::shared_ptr<Heard> heard)
      : event_based_actor(config), heard_(std::move(heard)) {}

  caf::behavior make_behavior() override {
    return {
        [this](const wire::admitted& message) {
          heard_->admitted = message;
          heard_->coordinator = caf::actor_cast<caf::actor>(current_sender());
        },
        [this](const wire::state_block&) { return_credit(); },
        [this](const wire::state_end&) {
          heard_->has_state = true;
          return_credit();
          if (heard_->self_test) {
            send(caf::actor_cast<caf::actor>(current_sender()),
                 wire::ready{*heard_->self_test, caf::actor_cast<caf::strong_actor_ptr>(this)});
          }
        },
        [this](const wire::missed_block&) { return_credit(); },
        [this](const wire::missed_end&) { return_credit(); },
        [this](const wire::plan& message) { heard_->plan = message; },
        [this](const wire::refused& message) { heard_->refusal = message.reason; },
        [this](const wire::count_progress&) {
          send(caf::actor_cast<caf::actor>(current_sender()),
               wire::progress{heard_->admitted->machine, heard_->progress});
        },
        [](const wire::run_file&) {},
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
    *heard_ = {};  // whose handles would keep their actors
    run();
  }

  void run() {
    while (machines_.step()) {
    }
  }
  template <class Message>
  void say(Message message) {
    caf::send_as(host_, heard_->coordinator, std::move(message));
    run();
  }
  void join(const std::string& name, const std::string& protocol = wire::protocol_digest(),
            std::uint64_t process = 1) {
    caf::send_as(host_, caf::actor_cast<caf::actor>(machines_.door().pointer()),
                 wire::join{protocol, "0.0.1\n", name, process, 1, "", 0, 0, 0,
                            caf::actor_cast<caf::strong_actor_ptr>(host_)});
    run();
  }
  void be_ready(std::uint64_t self_test) {
    machines_.start();
    join("moon-3");
    ASSERT_TRUE(heard_->has_state);
    say(wire::ready{self_test, caf::actor_cast<caf::strong_actor_ptr>(host_)});
  }

  RunSettings settings_ = settings_of(4);
  std::uint64_t self_test_ = self_test(*model::gpt2_model(settings_.training), settings_.training);
  Machines machines_{settings_, 1, 0};
  std::shared_ptr<FakeHost::Heard> heard_ = std::make_shared<FakeHost::Heard>();
  caf::actor host_ = machines_.system().spawn<FakeHost>(heard_);
};

TEST_F(Admission, NeedsTheSameProtocol) {
  join("moon-3", "another");
  EXPECT_NE(heard_->refusal.find("nodezero 0.0.1\\x0A there"), std::string::npos)
      << heard_->refusal;
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
  be_ready(self_test_ + 1);
  EXPECT_NE(heard_->refusal.find("its self-test computes other bits"), std::string::npos);
  EXPECT_FALSE(heard_->plan);
}

TEST_F(Admission, GivesNobodyThePowerToCommitAStepThatIsNotWhole) {
  be_ready(self_test_);
  ASSERT_TRUE(heard_->plan);
  // It computes nothing, and claims to have all of a sum.
  say(wire::gathered{heard_->plan->term, heard_->admitted->machine, 1, 0, 0, 0, 0, 0, {}, {}});
  // The others wait for its part.
  EXPECT_FALSE(machines_.has_ended());
  EXPECT_EQ(heard_->refusal, "");
  caf::anon_send_exit(host_, caf::exit_reason::kill);
  run();
  EXPECT_TRUE(machines_.has_ended());
  EXPECT_EQ(machines_.digest(), alone(settings_));
}

TEST_F(Admission, KeepsARunFromStallingAsLongAsAHostGoesOn) {
  be_ready(self_test_);
  ASSERT_TRUE(heard_->plan);
  for (int i = 0; i < 5; ++i) {
    ++heard_->progress;
    machines_.pass(settings_.stall_timeout);
    run();
    ASSERT_FALSE(machines_.has_ended()) << i << machines_.digest();
  }
  for (int i = 0; i < 3; ++i) {
    machines_.pass(settings_.stall_timeout);
    run();
  }
  ASSERT_TRUE(machines_.has_ended());
  EXPECT_NE(machines_.digest().find("stall timeout"), std::string::npos);
}

TEST_F(Admission, LetsAFailureOfAnEarlierStepEndNoLaterOne) {
  be_ready(self_test_);
  heard_->self_test = self_test_;
  join("moon-3");  // the process comes again, and has a part in a later step
  const std::uint64_t term = heard_->plan->term;
  ASSERT_GT(term, 2);
  say(wire::failed{term - 1, heard_->admitted->machine, "late"});
  EXPECT_FALSE(machines_.has_ended());
  say(wire::failed{term, heard_->admitted->machine, "in time"});
  ASSERT_TRUE(machines_.has_ended());
  EXPECT_NE(machines_.digest().find("host moon-3: in time"), std::string::npos);
}

enum class Fault { weights, sums, gradients };

/// Stands between a real host and the coordinator: the weights that come have a wrong number, or
/// the host computes other gradients than the rest.
class FaultyMemory : public caf::event_based_actor {
  template <class Message>
  auto pass() {
    return [this](const Message& message) { send(session_, message); };
  }
  template <class Message>
  auto answer() {
    return [this](const Message& message) {
      caf::send_as(caf::actor_cast<caf::actor>(current_sender()), coordinator_, message);
    };
  }

 public:
  FaultyMemory(caf::actor_config& config, caf::actor door, Fault fault)
      : event_based_actor(config), coordinator_(std::move(door)), fault_(fault) {}

  caf::behavior make_behavior() override {
    return {[this](wire::join& message) {
              session_ = caf::actor_cast<caf::actor>(message.session);
              message.session = caf::actor_cast<caf::strong_actor_ptr>(this);
              send(coordinator_, message);
            },
            [this](wire::state_block& message) {
              if (fault_ == Fault::weights && message.set == 0 && message.block == 0) {
                const auto values = message.values.span();
                std::shared_ptr<float> flipped(new float[values.size()],
                                               std::default_delete<float[]>());
                std::ranges::copy(values, flipped.get());
                flipped.get()[17] = -flipped.get()[17] + 1;
                message.values = {flipped, values.size()};
              }
              send(session_, message);
            },
            [this](const wire::admitted& message) {
              coordinator_ = caf::actor_cast<caf::actor>(current_sender());
              send(session_, message);
            },
            pass<wire::run_file>(), pass<wire::state_end>(), pass<wire::missed_block>(),
            pass<wire::missed_end>(), pass<wire::refused>(), pass<wire::ended>(),
            pass<wire::dismissed>(),
            // What the session says comes from the session that the coordinator knows.
            [this](const wire::ready& message) { send(coordinator_, message); },
            [this](const wire::credit& message) { send(coordinator_, message); },
            [this](wire::gathered& message) {
              message.sum_hash += fault_ == Fault::sums ? 1 : 0;
              for (auto& finding : message.findings) {
                finding.hash += fault_ == Fault::gradients ? 1 : 0;
              }
              caf::send_as(caf::actor_cast<caf::actor>(current_sender()), coordinator_, message);
            },
            answer<wire::finished>(), answer<wire::failed>(), answer<wire::progress>(),
            answer<wire::unreachable>()};
  }
  void on_exit() override {
    coordinator_ = nullptr;
    session_ = nullptr;
  }

 private:
  caf::actor coordinator_;  ///< the door, until the coordinator has answered
  caf::actor session_;
  Fault fault_;
};

/// How often runs lost their last host, which is faulty, and for the reason that is given. No run
/// loses another one, and all end with the weights of one machine.
std::size_t runs_without(Fault fault, std::uint32_t hosts, const std::string& reason) {
  const auto settings = settings_of(7);
  const std::string expected = alone(settings);
  const std::string faulty = "host host-" + std::to_string(hosts) + " lost at step";
  std::size_t found = 0;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    Machines machines(settings, hosts, seed, 1);
    for (std::uint32_t i = 1; i < hosts; ++i) {
      machines.join();
    }
    const auto memory = machines.system().spawn<FaultyMemory>(
        caf::actor_cast<caf::actor>(machines.door().pointer()), fault);
    machines.join_through(runtime::Peer::of(memory));
    machines.start();
    while (machines.step()) {
    }
    caf::anon_send_exit(memory, caf::exit_reason::kill);
    EXPECT_TRUE(machines.has_ended());
    EXPECT_EQ(machines.digest(), expected);
    for (const auto& notice : machines.notices()) {
      if (notice.find(" lost ") != std::string::npos) {
        EXPECT_EQ(notice.find(faulty), 0) << notice;
        found += notice.find(reason) != std::string::npos ? 1 : 0;
      }
    }
  }
  return found;
}

TEST(FaultyHost, IsPutOutIfItsWeightsAreNotTheRuns) {
  EXPECT_EQ(runs_without(Fault::weights, 1, "its weights are not the run's"), 4);
  EXPECT_EQ(runs_without(Fault::weights, 2, "its weights are not the run's"), 4);
}

TEST(FaultyHost, IsPutOutIfTheSumItHoldsIsNotTheRuns) {
  EXPECT_EQ(runs_without(Fault::sums, 1, "its sums are not the run's"), 4);
  EXPECT_EQ(runs_without(Fault::sums, 2, "its sums are not the run's"), 4);
}

TEST(FaultyHost, IsPutOutIfAnAuditFindsThatItComputesOtherGradients) {
  EXPECT_EQ(runs_without(Fault::gradients, 1, "it computes another gradient than the root"), 4);
  EXPECT_EQ(runs_without(Fault::gradients, 2, "it computes another gradient than the others"), 4);
  EXPECT_GT(runs_without(Fault::gradients, 3, "it computes another gradient than the others"), 0);
}

}  // namespace
}  // namespace nodezero::actors::testing
