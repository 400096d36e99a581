// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "actors/embedding/keeper.hpp"
#include "verify/explore/scenario.hpp"
#include "verify/scenarios/ledger.hpp"
#include "verify/scenarios/setup.hpp"

namespace nodezero::verify {

/// A host's training and its calls.
struct HostSetup : Setup {
  std::uint32_t spheres = 1;  ///< workers
  std::uint32_t symmetry = 12;
  std::uint32_t lanes = 1;
  bool work_in_place = false;  ///< lanes and checkpointer answer at once
  std::string calls;           ///< one letter each, see HostScenario
};

/// A host's training behind its keeper, and the host's calls, each at any moment: p(redict),
/// s(ave), r(estore the first state), b (submit a batch), c(lose). At the beginning the host
/// submits the batches of all steps, less one for each w(ithheld), and all of them again after a
/// restore.
///
/// Every call returns. None is refused except by a close, and a batch also by the end of training.
/// A saved state is that of the last step, and after the end predictions are of the last version.
/// When a close returns, no lane computes. If nobody closes and no batch is missing, all steps are
/// done in the end.
class HostScenario : public explore::Scenario {
 public:
  /// @throws std::invalid_argument for a letter that is not a call
  explicit HostScenario(HostSetup setup);

  void begin(caf::actor_system& system, explore::Network& network) override;
  void end() override;
  bool finished() const override { return unanswered_.empty(); }
  std::string violation() const override { return ledger_.violation(); }
  std::string verdict() const override;
  bool in_place(const explore::Delivery& delivery) const override;
  bool shares(const char* actor) const override;
  std::uint64_t shared_digest() const override { return queue_->state_digest(); }
  std::uint64_t digest_of(const explore::Delivery& delivery,
                          const runtime::ActorKeys& keys) const override;
  std::uint64_t digest() const override;
  void before(const explore::Delivery& delivery) override;

 private:
  class submitter;
  template <class Answer>
  class Call;

  template <class Answer>
  actors::Settle<Answer> call(char name);
  template <class Message>
  void inject(explore::Network& network, Message message) const;
  void submit_all(std::uint64_t batches);
  void returned(char name, const Result<Prediction<AnyValue>>& answer);
  void returned(char name, const Result<model::Checkpoint>& answer);
  void returned(char name, const Result<void>& answer);
  void refused(char name, const Error& reason);
  void check_that_nothing_computes();
  std::uint64_t all_steps() const { return ledger_.steps_before_end_of(setup_.epochs - 1); }

  HostSetup setup_;
  Ledger ledger_;
  actors::RunSettings settings_;
  model::Checkpoint first_;

  // Of a run:
  bool is_over_ = true;  ///< what happens now is the tidying up after the run
  explore::Network* network_ = nullptr;
  std::shared_ptr<actors::BatchQueue> queue_;
  std::shared_ptr<actors::HostBoard> board_;
  caf::strong_actor_ptr keeper_;
  std::multiset<char> unanswered_;  ///< calls by name
  std::uint64_t submitted_ = 0;     ///< batches, since the last restore
  bool is_asked_at_end_ = false;    ///< a question came when all steps were done
  bool is_closing_ = false;
};

}  // namespace nodezero::verify
