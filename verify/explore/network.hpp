// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <typeinfo>
#include <vector>

#include "runtime/caf.hpp"
#include "runtime/explorable.hpp"
#include "runtime/send_observer.hpp"
#include "verify/explore/choice.hpp"

namespace nodezero::explore {

using runtime::ActorKeys;
using runtime::Explorable;
using runtime::Fingerprint;
using runtime::SendObserver;

/// A message in flight or about to be handled.
struct Delivery {
  Choice link;
  const std::type_info* type = nullptr;  ///< of its content
  const caf::mailbox_element* element = nullptr;
  const char* sender_name = "";  ///< "outside" if it was not sent by an actor
  const char* receiver_name = "";

  template <class T>
  const T* as() const {
    return *type == typeid(T) ? &element->content().template get_as<T>(0) : nullptr;
  }
};

/// What a run of actors consists of between two messages: the actors, and every message that
/// was sent and not handled. Messages are taken out of the mailboxes as soon as they are sent,
/// so that what is in flight is a set, in which only those of one sender to one receiver are in
/// order: the order in which a mailbox would have had them is what a schedule decides.
///
/// Uses a system with the testing scheduler, and one after the other as many runs in it as
/// wanted. An actor is activated as soon as it is spawned: until its first message nobody can
/// tell when that was. Detached and blocking actors are not supported.
class Network final : public ActorKeys, private SendObserver {
 public:
  /// The system must use Scheduling::testing and must outlive this.
  explicit Network(caf::actor_system& system);
  ~Network() override;
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // -- what differs between explorations -------------------------------------------------------

  /// True for messages that are handled as soon as they are sent: no schedule is between.
  std::function<bool(const Delivery&)> in_place;
  /// Fingerprint of a message's content; asked only if `fingerprints` is set.
  std::function<std::uint64_t(const Delivery&)> digest_of;
  bool fingerprints = false;
  /// Both see every delivery before it is made, those in place included.
  std::function<void(const Delivery&)> judge;
  std::function<void(const Delivery&)> observe;

  /// The link and the type of a message, which is all that a reduction knows of it.
  struct Label {
    Choice link;
    const std::type_info* type = nullptr;
    bool is_response = false;
    std::uint64_t digest = 0;  ///< of its content
  };

  // -- a run -----------------------------------------------------------------------------------

  /// Ends what there is and begins another run: numbers start again.
  void begin();
  /// To be called after actors were spawned from outside: activates them, and handles what is
  /// handled in place.
  void settle();
  /// A message from outside, from a source of its own. One that is `optional` need not be
  /// handled for a run to be over; it is a fault that may happen.
  void inject(const caf::strong_actor_ptr& receiver, caf::message_id id, caf::message content,
              bool optional);
  /// Kills all actors and forgets all messages.
  void end();

  /// What could happen next, in order of the links' first use. Only deliveries.
  std::span<const Choice> choices() const { return choices_; }
  bool is_possible(const Choice& choice) const;
  /// Makes a step that is possible.
  void take(Choice choice);
  /// Looks for a message to an actor, older ones first on each link, and puts it before the others
  /// of its link. @return the step that delivers it, if there is one
  std::optional<Choice> bring_forward(NodeIndex receiver,
                                      const std::function<bool(const Delivery&)>& wanted);
  /// What the last step sent, without what was handled in place. Only if `fingerprints` is set.
  std::span<const Label> sent() const { return sent_; }
  Label label(const Choice& link) const;
  /// What is in flight behind the first message of its link.
  std::vector<Label> queued() const;

  // -- properties ------------------------------------------------------------------------------

  /// The message that a delivery on this link would handle.
  Delivery next(const Choice& link) const;
  bool is_optional(const Choice& link) const;
  /// Messages in flight that a run must handle before it is over.
  std::size_t mandatory() const { return mandatory_; }
  bool has_timer() const;
  /// Fingerprint of all actors and all messages in flight.
  std::uint64_t fingerprint();
  /// What a fingerprint is made of: an actor, or what is in flight on a link. Links that are
  /// empty have no part.
  struct Part {
    Choice link;  ///< of an actor: from and to itself
    bool is_actor = false;
    std::uint64_t digest = 0;
    friend bool operator==(const Part&, const Part&) = default;
  };
  std::vector<Part> parts();
  /// The same for an actor and for a link in every schedule, whatever the order of spawning.
  std::uint64_t key_of(NodeIndex node) const { return node < outside ? nodes_[node].key : node; }
  std::uint64_t link_key(const Choice& link) const;
  /// Fingerprint of an actor and of its requests that are not answered.
  std::uint64_t node_digest(NodeIndex node);
  /// Requests of this actor that are not answered.
  std::size_t unanswered(NodeIndex node) const { return nodes_[node].requests.size(); }

  std::size_t actors() const { return node_count_; }
  const char* name(NodeIndex node) const;
  NodeIndex parent(NodeIndex node) const { return nodes_[node].parent; }
  const char* state(NodeIndex node) const;
  std::uint64_t state_digest(NodeIndex node) const;  ///< 0 if the actor does not give one
  bool is_alive(NodeIndex node) const { return nodes_[node].alive; }
  caf::strong_actor_ptr actor(NodeIndex node) const;
  NodeIndex index(caf::actor_id id) const;
  std::uint64_t deliveries() const { return deliveries_; }  ///< over all runs, in place included
  std::uint64_t key(caf::actor_id id) const override;

 private:
  struct InFlight {
    caf::mailbox_element_ptr element;
    caf::strong_actor_ptr receiver;
    const std::type_info* type = nullptr;
    std::uint64_t digest = 0;
    bool optional = false;
  };
  struct Link {
    Choice id;
    std::vector<InFlight> messages;
    std::size_t first = 0;  ///< those before have been handled
    bool empty() const { return first == messages.size(); }
  };
  struct Request {
    std::uint64_t id = 0;
    std::uint64_t digest = 0;
  };
  struct Node {
    caf::actor_addr address;
    caf::scheduled_actor* actor = nullptr;
    const Explorable* explorable = nullptr;
    const char* name = "";
    NodeIndex parent = 0;
    bool alive = false;
    bool changed = true;
    std::uint32_t children = 0;
    std::uint64_t key = 0;
    std::uint64_t digest = 0;
    std::vector<std::uint32_t> incoming;  ///< indices of links
    std::vector<Request> requests;
  };
  /// An actor that has something to do, and whose handler made it so.
  struct Ready {
    caf::resumable* job;
    NodeIndex by;
  };
  /// Where actors put other actors that have something to do.
  class Unit final : public caf::execution_unit {
   public:
    Unit(caf::actor_system* system, Network& network)
        : caf::execution_unit(system), network_(network) {}
    void exec_later(caf::resumable* job) override {
      network_.ready_.push_back({job, network_.handling_});
    }

   private:
    Network& network_;
  };

  void on_send(caf::actor_id receiver, const caf::mailbox_element& element) override;
  NodeIndex add_node(caf::scheduled_actor& actor, NodeIndex spawner);
  void collect_ready();
  void collect(caf::scheduled_actor& actor);
  void accept(caf::scheduled_actor& receiver, NodeIndex node, caf::mailbox_element_ptr element);
  void put(Link& link, InFlight message);
  Link& link(NodeIndex sender, NodeIndex receiver, bool urgent);
  const Link* find(NodeIndex sender, NodeIndex receiver, bool urgent) const;
  Delivery describe(const Choice& link, const InFlight& message) const;
  void handle(const Choice& link, InFlight message);
  void drop_optional(NodeIndex receiver);
  void refresh_choices();
  std::uint64_t message_digest(const Delivery& delivery) const;
  std::uint64_t link_digest(const Link& link) const;

  caf::actor_system& system_;
  caf::scheduler::test_coordinator& scheduler_;
  std::vector<Ready> ready_;
  Unit unit_;
  caf::actor_id first_id_ = 0;
  std::vector<NodeIndex> index_of_id_;  ///< by id - first_id_; ids of non-actors are 0
  std::vector<Node> nodes_;             ///< from 1; longer than node_count_, to be reused
  std::size_t node_count_ = 0;
  std::vector<Link> links_;
  std::size_t link_count_ = 0;
  std::vector<std::pair<Choice, InFlight>> in_place_;  ///< first in, first out
  std::vector<Choice> choices_;
  std::vector<Label> sent_;
  std::vector<Request> captured_;  ///< of requests that were sent and not collected yet
  NodeIndex handling_ = 0;
  NodeIndex sources_ = 0;
  std::size_t mandatory_ = 0;
  std::uint64_t deliveries_ = 0;
};

}  // namespace nodezero::explore
