// SPDX-License-Identifier: BSD-3-Clause
#include "actors/epoch_gate.hpp"

#include <optional>

#include <gtest/gtest.h>

#include "actors/messages.hpp"
#include "support/stage.hpp"

namespace nodezero::actors::testing {
namespace {

// The smallest owner of a gate: opens it with whatever proof it is sent.
using gatekeeper_actor = caf::typed_actor<runtime::Answers<begin_epoch, epoch_done>,
                                          runtime::Accepts<optimizer_complete>>;

class gatekeeper : public gatekeeper_actor::base {
 public:
  explicit gatekeeper(caf::actor_config& config) : gatekeeper_actor::base(config) {}

 protected:
  behavior_type make_behavior() override {
    return {
        [this](const begin_epoch& message) -> caf::result<epoch_done> {
          auto promise = make_response_promise<epoch_done>();
          gate_.emplace(promise, message.envelope, message.envelope.step);
          return promise;
        },
        [this](const optimizer_complete& proof) { std::move(*gate_).complete(proof); },
    };
  }

 private:
  std::optional<epoch_gate> gate_;
};

TEST(EpochGate, IsRefusedByAnUnsealedProof) {  // A1
  Stage stage(tiny_settings());
  const auto keeper = stage.system().spawn<gatekeeper>();
  auto epoch = stage.ask<epoch_done>(keeper, begin_epoch{stage.start()});
  stage.run();
  EXPECT_FALSE(epoch.answered());
  caf::anon_send(keeper, optimizer_complete{});
  stage.run();
  EXPECT_EQ(epoch.code(), ErrorCode::unsealed);
  caf::anon_send_exit(keeper, caf::exit_reason::kill);
}

TEST(EpochGate, AnswersOnlyWithTheProofOfItsLastStep) {  // A1
  Stage stage(tiny_settings());
  const auto keeper = stage.system().spawn<gatekeeper>();
  // Sealed proofs can only come from the optimizer: it confirms the version it is at.
  auto proof = stage.ask<optimizer_complete>(stage.actors().optimizer,
                                             apply{stage.start(), {}, 0, false, false, {}});
  stage.run();
  ASSERT_TRUE(proof.succeeded());
  ASSERT_TRUE(proof.get()->sealed());

  auto later = stage.ask<epoch_done>(keeper, begin_epoch{{stage.start().run, 0, 1, 0}});
  stage.run();
  caf::anon_send(keeper, *proof.get());
  stage.run();
  EXPECT_EQ(later.code(), ErrorCode::stale);

  auto epoch = stage.ask<epoch_done>(keeper, begin_epoch{stage.start()});
  stage.run();
  caf::anon_send(keeper, *proof.get());
  stage.run();
  ASSERT_TRUE(epoch.succeeded());
  EXPECT_TRUE(epoch.get()->sealed());
  caf::anon_send_exit(keeper, caf::exit_reason::kill);
}

}  // namespace
}  // namespace nodezero::actors::testing
