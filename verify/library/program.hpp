// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <typeindex>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "nodezero/explore/explore.hpp"
#include "verify/explore/run.hpp"

namespace nodezero::explore {

namespace engine = verify::explore;

/// A user's program as the engine sees it: spawns its actors, asks for its rules, finds what needs
/// no rule, and knows how to tell its actors' states and its messages apart.
class Program final : public engine::Scenario, public engine::NetworkWatch, public Keys {
 public:
  explicit Program(const explore::Scenario& scenario);
  ~Program() override;

  /// What cannot be explored; empty if nothing was met.
  const std::string& refused() const { return refused_; }
  /// The name of a type that has no fingerprint; empty if none was met.
  const std::string& unknown() const { return unknown_; }
  /// The broken rule with what it was broken by.
  std::string in_detail(const std::string& rule) const;
  /// True for messages and states whose fingerprint is missing: the search ends.
  bool ends_at_unknown = false;

  // -- for World -------------------------------------------------------------------------------

  caf::actor_system& system() const { return *system_; }
  engine::Network& network() const { return *network_; }
  void fail(std::string rule, std::string detail = {});

  struct Rule {
    std::string name;
    std::function<bool()> holds;
  };
  std::vector<Rule> always;
  std::vector<Rule> at_end;
  std::vector<std::function<void(const explore::Delivery&)>> observers;
  std::vector<std::function<void(Hasher&)>> memories;
  std::set<engine::NodeIndex> mortals;
  std::unordered_set<caf::actor_id> stateless;

  using HashMessage = void (*)(const void*, Hasher&);
  using HashActor = void (*)(const caf::scheduled_actor&, Hasher&);
  std::unordered_map<std::type_index, HashMessage> messages;
  std::vector<HashMessage> builtin_messages;  ///< by CAF's number of the type
  std::unordered_map<std::type_index, HashActor> actors;

  // -- engine::Scenario ------------------------------------------------------------------------

  void begin(caf::actor_system& system, engine::Network& network) override;
  void end() override;
  bool finished() const override { return true; }
  std::string violation() const override { return rule_; }
  std::string verdict() const override;
  void before(const engine::Delivery& delivery) override;
  void after() override;
  bool may_die(engine::NodeIndex node) const override {
    return mortals.empty() || mortals.count(node) > 0;
  }
  std::uint64_t digest_of(const engine::Delivery& delivery,
                          const engine::ActorKeys& keys) const override;
  std::uint64_t digest() const override;

  // -- engine::NetworkWatch --------------------------------------------------------------------

  void unhandled(engine::NodeIndex actor, const caf::type_erased_tuple& content) override;
  void threw(engine::NodeIndex actor, const std::string& what) override;
  void refuse(const std::string& what) override;
  const char* keep_name(const char* name) override { return names_.insert(name).first->c_str(); }
  std::uint64_t state_digest(const caf::scheduled_actor& actor) override;

  std::uint64_t key_of(caf::actor_id actor) const override { return network_->key(actor); }

 private:
  void look_for_threads(const std::string& whose);
  void ask_rules();
  void does_not_know(const std::string& type) const;

  const explore::Scenario& scenario_;
  std::unique_ptr<World::State> state_;
  std::unique_ptr<World> world_;
  caf::actor_system* system_ = nullptr;
  engine::Network* network_ = nullptr;
  std::set<std::string> names_;
  std::string rule_;
  std::string detail_;
  std::string refused_;
  engine::NodeIndex last_receiver_ = 0;
  mutable std::string unknown_;
};

struct World::State {
  Program& program;
};

}  // namespace nodezero::explore
