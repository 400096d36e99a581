// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
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
#include "verify/explore/message_set.hpp"

namespace nodezero::verify::explore {

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

/// Is told what goes wrong inside of actors, for which they would only have CAF print a line.
class NetworkWatch {
 public:
  virtual ~NetworkWatch() = default;
  /// No handler took this message, and the actor has none for such messages.
  virtual void unhandled(NodeIndex actor, const caf::type_erased_tuple& content) = 0;
  virtual void threw(NodeIndex actor, const std::string& what) = 0;
  /// Something that cannot be explored.
  virtual void refuse(const std::string& what) = 0;
  /// A name that lasts for one that may not.
  virtual const char* keep_name(const char* name) = 0;
  /// Fingerprint of the state of an actor that is not Explorable.
  virtual std::uint64_t state_digest(const caf::scheduled_actor& actor) = 0;
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
  /// True for messages that are handled with the next one on their link, in one step; if their
  /// sender ends before that, they are not handled at all.
  std::function<bool(const Delivery&)> with_next;
  /// Fingerprint of a message's content; asked only if `fingerprints` is set.
  std::function<std::uint64_t(const Delivery&)> digest_of;
  bool fingerprints = false;
  /// Has `sent()` filled without fingerprints.
  bool labels = false;
  /// For actors that know nothing of this: who watches over them. Links then go by the actor whose
  /// handler sent a message, also if it was forwarded or has no sender, so that the order on a link
  /// is the one that a mailbox guarantees.
  NetworkWatch* watch = nullptr;
  /// Has messages come in an order in which mailboxes of one process can have them: none overtakes
  /// one to the same actor that was sent before it, be it by another actor that caused it to be
  /// sent. Else only those of one actor to another are in order, as if each pair had a connection.
  /// Needs a watch.
  bool causal = false;
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
  /// What the last step sent, without what is handled in place or with the next. Only if
  /// `fingerprints` or `labels` is set.
  std::span<const Label> sent() const { return sent_; }
  /// Who handled something in the last step: its receiver, and others in place.
  std::span<const NodeIndex> handlers() const { return handlers_; }
  Label label(const Choice& link) const;
  /// What is in flight and not a choice: behind the first message of its link, or held back.
  std::vector<Label> queued() const;

  // -- properties ------------------------------------------------------------------------------

  /// The message that a delivery on this link would handle; the last one, if there are several.
  Delivery next(const Choice& link) const;
  bool is_optional(const Choice& link) const;
  /// Messages in flight that a run must handle before it is over.
  std::size_t mandatory() const { return mandatory_; }
  bool has_timer() const;
  /// Timeouts that are pending: of the `nth` of `actor`, from the earliest on.
  struct Timer {
    NodeIndex actor = 0;
    NodeIndex nth = 0;
    bool is_next = false;  ///< none is due before it
  };
  std::vector<Timer> timers() const;
  /// When the next timeout is due, in virtual time since the run began.
  std::chrono::nanoseconds next_timeout() const;
  /// Fingerprint of the pending timeouts, as far away as they are.
  std::uint64_t clock_digest();
  /// The message that was handled last could not have come before the one of this number.
  bool last_needed(std::uint32_t number) const { return last_past_.has(number); }
  std::uint32_t last_number() const { return last_number_; }
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
  void rename(NodeIndex node, const char* name) { nodes_[node].name = name; }
  NodeIndex parent(NodeIndex node) const { return nodes_[node].parent; }
  const char* state(NodeIndex node) const;
  std::uint64_t state_digest(NodeIndex node) const;  ///< 0 if the actor does not give one
  bool is_alive(NodeIndex node) const { return nodes_[node].alive; }
  caf::strong_actor_ptr actor(NodeIndex node) const;
  NodeIndex index(caf::actor_id id) const;
  std::uint64_t deliveries() const { return deliveries_; }  ///< over all runs, in place included
  std::uint64_t key(caf::actor_id id) const override;
  /// True if an actor ended in the last step that others can still send to: what they will
  /// send to it leaves no trace.
  bool any_left_behind() const { return left_behind_; }
  /// True if that happened in any step of any run.
  bool any_ever_left_behind() const { return ever_left_behind_; }
  /// A request that an actor waits for the answer to.
  struct OpenRequest {
    NodeIndex receiver = 0;
    const std::type_info* type = nullptr;
  };
  /// An answer that an actor waits for, if there is one.
  std::optional<OpenRequest> waits_for(NodeIndex node) const;
  /// Messages that an actor has put off and not taken up again.
  std::size_t skipped(NodeIndex node) const { return nodes_[node].skipped.size(); }
  Delivery first_skipped(NodeIndex node) const;

 private:
  struct InFlight {
    caf::mailbox_element_ptr element;
    caf::strong_actor_ptr receiver;
    const std::type_info* type = nullptr;
    std::uint64_t digest = 0;
    bool optional = false;
    bool with_next = false;
    std::uint32_t number = 0;  ///< in the run, if causal; 0: its order says nothing
    MessageSet past = {};      ///< those that were sent before it and led to it
  };
  struct Link {
    Choice id;
    std::vector<InFlight> messages;
    std::size_t first = 0;  ///< those before have been handled
    bool empty() const { return first == messages.size(); }
    /// The last message of the next step; past the end if it is still to be sent.
    auto last_of_step() const {
      return std::find_if(messages.begin() + static_cast<std::ptrdiff_t>(first), messages.end(),
                          [](const InFlight& message) { return !message.with_next; });
    }
    bool is_ready() const { return last_of_step() != messages.end(); }
  };
  struct Request {
    std::uint64_t id = 0;
    std::uint64_t digest = 0;
    NodeIndex receiver = 0;
    const std::type_info* type = nullptr;
  };
  struct Node {
    caf::actor_addr address;
    caf::scheduled_actor* actor = nullptr;
    const Explorable* explorable = nullptr;
    const char* name = "";
    NodeIndex parent = 0;
    bool alive = false;
    bool changed = true;
    bool existed = true;  ///< when its digest was made
    std::uint32_t children = 0;
    std::uint64_t key = 0;
    std::uint64_t digest = 0;
    std::vector<std::uint32_t> incoming;  ///< indices of links
    std::vector<Request> requests;
    std::vector<InFlight> skipped;  ///< put off by the actor, until it has handled another
    MessageSet past;                ///< messages whose sending led to what it is now
    MessageSet recent;              ///< sent in the present step, as far as their order is known
  };
  /// An actor that has something to do, and whose handler made it so.
  struct Ready {
    caf::resumable* job;
    NodeIndex by;
    bool is_in_order;  ///< with the others that its handler made ready
  };
  /// Where actors put other actors that have something to do.
  class Unit final : public caf::execution_unit {
   public:
    Unit(caf::actor_system* system, Network& network)
        : caf::execution_unit(system), network_(network) {}
    void exec_later(caf::resumable* job) override {
      network_.ready_.push_back({job, network_.handling_, true});
    }

   private:
    Network& network_;
  };

  void on_send(caf::actor_id receiver, const caf::mailbox_element& element) override;
  NodeIndex add_node(caf::scheduled_actor& actor, NodeIndex spawner);
  void watch_over(caf::scheduled_actor& actor, NodeIndex node);
  void collect_ready();
  void collect(caf::scheduled_actor& actor, NodeIndex by, bool is_in_order);
  static void discard_messages(caf::scheduled_actor& actor);
  void accept(caf::scheduled_actor& receiver, NodeIndex node, NodeIndex by, bool is_first,
              caf::mailbox_element_ptr element);
  NodeIndex origin_of(const caf::mailbox_element& element, NodeIndex by) const;
  void note_request(NodeIndex requester, NodeIndex receiver, const InFlight& message);
  void put(Link& link, InFlight message);
  Link& link(const Choice& id);
  const Link* find(const Choice& id) const;
  InFlight take_first(const Choice& id);
  void note_cause(NodeIndex sender, bool is_first, InFlight& message);
  void note_senders();
  bool must_wait(const Link& link) const;
  std::uint64_t causal_digest() const;
  Delivery describe(const Choice& link, const InFlight& message) const;
  void handle(const Choice& link, InFlight message);
  bool activate(NodeIndex node, InFlight& message);
  void take_up_skipped(NodeIndex node);
  void trigger(const Choice& timer);
  void kill(NodeIndex node);
  void has_ended(NodeIndex node);
  void look_for_left_behind();
  static void terminate(caf::scheduled_actor& actor, caf::execution_unit* unit);
  static const std::type_info* type_of(const caf::mailbox_element& element);
  void drop_optional(NodeIndex receiver);
  void drop_unfinished(NodeIndex sender);
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
  std::vector<NodeIndex> handlers_;
  std::vector<Request> captured_;  ///< of requests that were sent and not collected yet
  NodeIndex handling_ = 0;
  NodeIndex first_of_step_ = 0;  ///< actors from this number on were spawned in the present step
  NodeIndex stepping_ = 0;       ///< the actor whose step it is
  NodeIndex sources_ = 0;
  std::uint32_t messages_ = 0;  ///< of the run
  std::uint32_t last_number_ = 0;
  MessageSet last_past_;
  std::vector<std::pair<NodeIndex, std::uint32_t>> senders_;  ///< in the present step
  std::vector<NodeIndex> ended_;                              ///< in the present step
  bool left_behind_ = false;
  bool ever_left_behind_ = false;
  caf::actor_clock::time_point beginning_;
  std::size_t mandatory_ = 0;
  std::uint64_t deliveries_ = 0;
};

}  // namespace nodezero::verify::explore
