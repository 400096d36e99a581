// SPDX-License-Identifier: BSD-3-Clause

// What a machine's exchange does with what it should not be sent.

#include "actors/hosts/exchange.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "actors/lanes/lane_scheduler.hpp"
#include "actors/run/optimizer.hpp"
#include "actors/run/version_buffers.hpp"
#include "hosts/support/machines.hpp"
#include "nodezero/multilayer_perceptron.hpp"

namespace nodezero::actors::testing {
namespace {

/// What a coordinator has heard.
struct Heard {
  std::optional<wire::gathered> gathered;
  std::vector<wire::failed> failures;
};

/// A machine that computes alone what a test tells it to.
class ExchangeAlone : public ::testing::Test {
 protected:
  ExchangeAlone() {
    auto buffers = std::make_shared<VersionBuffers>(std::make_shared<model::Parameters>(layout_));
    const auto weights = buffers->publish();
    optimizer_ = system_.spawn<optimizer>(
        OptimizerStart{.config = settings_.training.optimizer,
                       .total_steps = 1,
                       .lanes = 1,
                       .envelope = {},
                       .weights = std::move(buffers),
                       .state = std::make_shared<model::OptimizerState>(layout_)},
        lanes_);
    const auto spheres = std::make_shared<const SphereSettings>(
        SphereSettings{.lanes = lanes_,
                       .lane_count = 1,
                       .observer = workers_.observer,
                       .tree = std::make_shared<const std::vector<TopologyNode>>(topology(1, 12)),
                       .token_frequencies = {},
                       .stall_timeout = settings_.stall_timeout});
    exchange_ = system_.spawn<exchange>(ExchangeSettings{.machine = 1,
                                                         .root = {},
                                                         .coordinator = runtime::Peer::of(root_),
                                                         .spheres = spheres,
                                                         .layout = layout_,
                                                         .trained = trained_,
                                                         .optimizer = optimizer_,
                                                         .here = {},
                                                         .weights = weights,
                                                         .progress = {}});
    exchange_->attach_functor([this](const caf::error&) { has_ended_ = true; });
  }
  ~ExchangeAlone() override {
    caf::anon_send_exit(exchange_, caf::exit_reason::kill);
    caf::anon_send_exit(optimizer_, caf::exit_reason::kill);
    caf::anon_send_exit(lanes_, caf::exit_reason::kill);
    caf::anon_send_exit(root_, caf::exit_reason::kill);
    workers_.send_exit();
    run();
  }

  void run() {
    while (scheduler_.try_run_once()) {
    }
  }
  template <class Message>
  void say(Message message) {
    caf::send_as(root_, exchange_, std::move(message));
    run();
  }
  wire::plan plan(std::uint64_t version, std::uint64_t term) const {
    return {0,        version, version,
            term,     1,       {{1, caf::actor_cast<caf::strong_actor_ptr>(exchange_)}},
            {{0, 1}}, {}};
  }
  wire::work work(std::vector<std::byte> batch) const {
    auto crossing = std::make_shared<model::MicroBatch>();
    crossing->host_data = AnyValue::of(model::EncodedBatch{std::move(batch)});
    return {0, 0, {std::move(crossing)}};
  }

  struct Config : caf::actor_system_config {
    Config() {
      runtime::configure(*this, runtime::Scheduling::testing);
      wire::register_messages(*this);
    }
  };

  MultilayerPerceptron model_{{1, 1}};
  std::shared_ptr<const model::TrainedModel> trained_ =
      model::host_model(make_trainable(model_)).value();
  std::shared_ptr<const model::TensorLayout> layout_ = trained_->layout();
  RunSettings settings_ = [this] {
    auto settings = settings_of(1);
    settings.trained = trained_;
    return settings;
  }();
  Config config_;
  caf::actor_system system_{config_};
  caf::scheduler::test_coordinator& scheduler_ =
      dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  Observer observer_;
  Workers workers_ =
      spawn_workers(system_, runtime::Scheduling::testing, settings_, observer_, nullptr);
  lane_scheduler_actor lanes_ =
      system_.spawn<lane_scheduler>(workers_.lanes, std::make_shared<GradientPool>(layout_));
  Heard heard_;
  caf::actor root_ = system_.spawn([this]() -> caf::behavior {
    return {[this](const wire::gathered& message) { heard_.gathered = message; },
            [this](const wire::failed& message) { heard_.failures.push_back(message); }};
  });
  optimizer_actor optimizer_;
  exchange_actor exchange_;
  bool has_ended_ = false;
};

TEST_F(ExchangeAlone, LeavesIfItCannotReadACommitAndSaysOfWhichTerm) {
  say(plan(0, 7));
  say(work(model_.encode({{0.5F}, {0.25F}})));
  ASSERT_TRUE(heard_.gathered);
  say(wire::commit{7, 1, {1, 2, 3}});
  ASSERT_EQ(heard_.failures.size(), 1);
  EXPECT_EQ(heard_.failures[0].term, 7);
  EXPECT_NE(heard_.failures[0].reason.find("in another protocol"), std::string::npos);
  EXPECT_TRUE(has_ended_);
}

TEST_F(ExchangeAlone, SaysOfWhichTermTheWorkWasThatItCannotRead) {
  say(work({std::byte{1}}));
  say(plan(1, 7));  // of the version that it does not have yet
  say(work({std::byte{1}}));
  ASSERT_EQ(heard_.failures.size(), 2);
  EXPECT_EQ(heard_.failures[0].term, 0);
  EXPECT_EQ(heard_.failures[1].term, 7);
  EXPECT_FALSE(has_ended_);
}

}  // namespace
}  // namespace nodezero::actors::testing
