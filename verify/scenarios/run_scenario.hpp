// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/run/assembly.hpp"
#include "verify/explore/scenario.hpp"
#include "verify/scenarios/client.hpp"
#include "verify/scenarios/deaths.hpp"
#include "verify/scenarios/ledger.hpp"
#include "verify/scenarios/setup.hpp"

namespace nodezero::verify {

/// What a whole run's schedules are made of.
struct RunSetup : Setup {
  std::uint32_t spheres = 2;  ///< workers
  std::uint32_t symmetry = 12;
  std::uint32_t lanes = 1;
  bool work_in_place = false;          ///< lanes, corpus and checkpointer answer at once
  std::uint64_t checkpoint_every = 0;  ///< steps
  std::uint64_t evaluate_every = 0;    ///< steps; 0: never, not at the end of an epoch either
  std::uint32_t inference = 0;         ///< requests, each at any moment
  actors::InferencePolicy policy = actors::InferencePolicy::snapshot;
  std::uint32_t stops = 0;  ///< requests to stop, each at any moment
  /// That ask for text as it comes, at any moment; every other one waits for the end of an epoch.
  std::uint32_t clients = 0;
  std::uint32_t leaving = 0;   ///< of them, those that leave at any moment
  std::uint32_t versions = 0;  ///< that their answers may hold; 0: any number
};

/// All actors of a run as spawn_run makes them, with stand-in lanes. Telemetry is heard at once;
/// every other message is one step of a schedule.
class RunScenario : public explore::Scenario, private client::Listener {
 public:
  explicit RunScenario(RunSetup setup);

  void begin(caf::actor_system& system, explore::Network& network) override;
  void end() override;
  bool finished() const override { return unanswered_ == 0; }
  std::string violation() const override { return ledger_.violation(); }
  std::string verdict() const override;
  bool in_place(const explore::Delivery& delivery) const override;
  std::uint64_t digest_of(const explore::Delivery& delivery,
                          const runtime::ActorKeys& keys) const override;
  std::uint64_t digest() const override;
  void before(const explore::Delivery& delivery) override;
  void after() override;

 private:
  template <class Answer, class Handle, class Request>
  class probe;

  void run_has_ended(const actors::run_ended& end);
  void run_was_stopped(const actors::stopped& end);
  void was_generated(const actors::generated& answer);
  void boundary_heard(std::uint64_t version);
  void was_refused(const char* request, const caf::error& error);
  void client_told(ClientCase& client, const actors::generated_piece& piece) override;
  void client_answered(ClientCase& client, const actors::generated& answer) override;
  void client_refused(ClientCase& client, const caf::error& error) override;
  void note_held(const explore::Delivery& delivery);
  bool is_end_of_epoch(std::uint64_t version) const;
  void check_buffers();
  void check_checkpoint(const model::Checkpoint& checkpoint);

  RunSetup setup_;
  Ledger ledger_;
  actors::RunSettings settings_;
  actors::Observer nobody_;

  // Of a run:
  actors::RunActors actors_;
  std::size_t unanswered_ = 0;
  bool failed_ = false;  ///< with a typed failure
  std::uint64_t generated_ = 0;
  std::uint64_t refused_ = 0;
  Deaths deaths_;
  std::uint64_t boundaries_ = 0;  ///< that the lifecycle has heard of
  bool is_stopping_ = false;      ///< the lifecycle has heard of a stop
  /// Requests that the lifecycle has heard of, by their number of tokens, and the version of the
  /// next epoch's end: whoever waits is answered then.
  std::map<std::size_t, std::optional<std::uint64_t>> requests_;
  std::vector<ClientCase> clients_;
  std::map<std::uint64_t, std::uint64_t> held_;  ///< requests that inference has, by version
};

}  // namespace nodezero::verify
