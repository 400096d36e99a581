// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// What crosses between machines, on one page; messages.hpp is what stays on one. Each message names
// its sender, its receiver, what it means and what state accepts it. Everything else is dropped.
//
// A machine is known by its number, which no other machine of the run ever has: 0 is the root's. A
// term is one plan of one step: who computes which positions, and who adds which blocks. Terms only
// grow. When a machine is lost, a new term plans the same step for those that are left; what an
// earlier term's message brings is dropped, and what a later one's brings waits for its plan.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "actors/position_range.hpp"
#include "model/tensors/micro_batch.hpp"
#include "runtime/wire.hpp"

namespace nodezero::actors::wire {

using runtime::Floats;

/// A machine that takes part in a term.
struct Member {
  std::uint32_t machine = 0;
  caf::strong_actor_ptr exchange;
};
NODEZERO_WIRE_MESSAGE(Member, machine, exchange)

/// Positions [first, last) of a step.
struct Range {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};
NODEZERO_WIRE_MESSAGE(Range, first, last)

/// The loss of a node of the position tree.
struct NodeLoss {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  std::uint64_t loss_bits = 0;  ///< a double, in nats
  std::int64_t valid_tokens = 0;
};
NODEZERO_WIRE_MESSAGE(NodeLoss, first, last, loss_bits, valid_tokens)

/// What a machine got for one micro-batch, to be compared with what others got.
struct Finding {
  std::uint32_t position = 0;
  std::uint64_t hash = 0;  ///< of the loss and the gradient
};
NODEZERO_WIRE_MESSAGE(Finding, position, hash)

/// A micro-batch of token ids, which crosses as it lies in memory, or one of a host's model that
/// TrainedModel::encoded() has made. What that means is looked at by decoded().
struct Tokens {
  std::shared_ptr<const model::MicroBatch> batch;
};
caf::error inspect(caf::serializer& sink, Tokens& tokens);
caf::error inspect(caf::deserializer& source, Tokens& tokens);
inline std::string layout_of(const Tokens&) {
  return "tokens(sequences, context, valid_tokens, encoded, inputs, targets)";
}

// -- host_session -> coordinator -------------------------------------------------------------

/// A machine asks to take part. Answered with `admitted` or `refused`.
struct join {
  std::string protocol;  ///< protocol_digest() there
  std::string version;   ///< of the program
  std::string name;
  std::uint64_t process = 0;  ///< drawn at random: the same when it comes again
  std::uint32_t lanes = 0;
  std::string address;         ///< where other hosts may connect to it; empty: nowhere
  std::uint64_t held_run = 0;  ///< the run whose state it still has; 0: none
  std::uint64_t held_version = 0;
  std::uint64_t held_hash = 0;  ///< of the weights
  caf::strong_actor_ptr session;
};
NODEZERO_WIRE_MESSAGE(join, protocol, version, name, process, lanes, address, held_run,
                      held_version, held_hash, session)

/// The machine has the whole state and has spawned its actors. Accepted once after `state_end`.
struct ready {
  std::uint64_t self_test = 0;  ///< self_test() there
  caf::strong_actor_ptr exchange;
};
NODEZERO_WIRE_MESSAGE(ready, self_test, exchange)

/// The machine goes, in order. Accepted always.
struct leaving {
  std::uint32_t machine = 0;
};
NODEZERO_WIRE_MESSAGE(leaving, machine)

// -- coordinator -> host_session -------------------------------------------------------------

struct refused {
  std::string reason;
};
NODEZERO_WIRE_MESSAGE(refused, reason)

/// Accepted once, by a session that has joined. The state follows.
struct admitted {
  std::uint64_t run = 0;
  std::uint32_t machine = 0;
  std::vector<std::uint64_t> settings;  ///< encode(HostSettings)
  std::string model;                    ///< TrainedModel::identity()
  std::vector<std::string> hosts;       ///< addresses of those that were admitted before
};
NODEZERO_WIRE_MESSAGE(admitted, run, machine, settings, model, hosts)

/// A file of the run's folder, which a root that takes the run up elsewhere needs. Accepted after
/// `admitted`.
struct run_file {
  std::string name;
  std::string content;
};
NODEZERO_WIRE_MESSAGE(run_file, name, content)

/// A block of the weights (set 0) or of the first or second moment (1, 2). Accepted after
/// `admitted`; each is answered with a credit.
struct state_block {
  std::uint32_t set = 0;
  std::uint32_t block = 0;
  Floats values;
};
NODEZERO_WIRE_MESSAGE(state_block, set, block, values)

/// All blocks have been sent. If there were none, the receiver's own state is the run's.
struct state_end {
  std::vector<std::uint64_t> progress;  ///< encode(TrainingProgress)
  std::uint64_t updates = 0;            ///< that the moments hold
  std::uint32_t blocks = 0;             ///< that were sent
};
NODEZERO_WIRE_MESSAGE(state_end, progress, updates, blocks)

/// A block of the sum of a step that the others have done since. Accepted after `state_end`; each
/// is answered with a credit.
struct missed_block {
  std::uint32_t block = 0;
  std::uint64_t norm_bits = 0;  ///< a double
  Floats values;
};
NODEZERO_WIRE_MESSAGE(missed_block, block, norm_bits, values)

/// All blocks of such a sum have been sent: apply it. Answered with a credit once it is applied.
struct missed_end {
  std::vector<std::uint64_t> progress;  ///< after the step
  std::int64_t valid_tokens = 0;
};
NODEZERO_WIRE_MESSAGE(missed_end, progress, valid_tokens)

/// The run has ended; accepted always.
struct ended {
  std::string reason;
};
NODEZERO_WIRE_MESSAGE(ended, reason)

/// The host is put out of the run, and may join again; accepted always.
struct dismissed {
  std::string reason;
};
NODEZERO_WIRE_MESSAGE(dismissed, reason)

// -- a new root -> state_keeper --------------------------------------------------------------

/// Asks for the state of a run whose root is gone. Answered as a host is, from `admitted` to
/// `state_end`, or with `refused`.
struct want_state {
  std::string protocol;
  std::string next_root;  ///< where the run will go on; empty: nobody knows yet
  caf::strong_actor_ptr newcomer;
};
NODEZERO_WIRE_MESSAGE(want_state, protocol, next_root, newcomer)

// -- coordinator -> exchange -----------------------------------------------------------------

/// A step of `positions` micro-batches is computed by `members`; `mine` are the receiver's ranges.
/// In a later term of the step they may be more, and fewer if a backup has computed them. Accepted
/// if the receiver has that version, or as soon as it has it. Block b is added by members[b mod
/// size].
struct plan {
  std::uint64_t epoch = 0;
  std::uint64_t step = 0;
  std::uint64_t version = 0;
  std::uint64_t term = 0;
  std::uint32_t positions = 0;
  std::vector<Member> members;
  std::vector<Range> mine;
  /// The receiver says what it finds for these. What is not among its own is computed for nothing
  /// else.
  std::vector<std::uint32_t> audited;
};
NODEZERO_WIRE_MESSAGE(plan, epoch, step, version, term, positions, members, mine, audited)

/// The receiver computes these nodes of the position tree as well, which are another machine's: the
/// answer that comes first counts, by a plan. Accepted in the term that it names; what the receiver
/// computes already it does not compute again.
struct back_up {
  std::uint64_t term = 0;
  std::vector<Range> nodes;
};
NODEZERO_WIRE_MESSAGE(back_up, term, nodes)

/// A micro-batch of the step that the receiver is to compute. Follows the plan or the `back_up`
/// that gives it the position.
struct work {
  std::uint64_t step = 0;
  std::uint32_t position = 0;
  Tokens tokens;
};
NODEZERO_WIRE_MESSAGE(work, step, position, tokens)

/// All machines have the whole sum: apply it. Accepted once a term, after `gathered`.
struct commit {
  std::uint64_t term = 0;
  std::int64_t valid_tokens = 0;
  std::vector<std::uint64_t> progress;  ///< after the step
};
NODEZERO_WIRE_MESSAGE(commit, term, valid_tokens, progress)

/// The step is given up; nothing of it is kept. Accepted always.
struct give_up {
  std::uint64_t term = 0;
};
NODEZERO_WIRE_MESSAGE(give_up, term)

/// Asks how much was done, for a watchdog. Answered with `progress`, always.
struct count_progress {
  std::uint64_t term = 0;
};
NODEZERO_WIRE_MESSAGE(count_progress, term)

// -- exchange -> exchange --------------------------------------------------------------------

/// One block of the sum over one node of the position tree. Accepted by the block's owner, once.
struct part {
  std::uint64_t term = 0;
  std::uint32_t block = 0;
  Range range;
  Floats values;
};
NODEZERO_WIRE_MESSAGE(part, term, block, range, values)

/// One block of the sum over all positions, from its owner, with its squared norm.
struct sum {
  std::uint64_t term = 0;
  std::uint32_t block = 0;
  std::uint64_t norm_bits = 0;  ///< a double
  Floats values;
};
NODEZERO_WIRE_MESSAGE(sum, term, block, norm_bits, values)

/// So many more blocks may be sent to the sender of this. Accepted always.
struct credit {
  std::uint32_t blocks = 0;
};
NODEZERO_WIRE_MESSAGE(credit, blocks)

// -- exchange -> coordinator -----------------------------------------------------------------

/// This machine has computed the sum over this node of the position tree, if it takes part in the
/// step with others. Accepted in the step's terms, once a node.
struct finished {
  std::uint64_t term = 0;
  Range node;
};
NODEZERO_WIRE_MESSAGE(finished, term, node)

/// This machine has every block of the sum. `nodes` are those that it has computed.
struct gathered {
  std::uint64_t term = 0;
  std::uint32_t machine = 0;
  std::uint64_t weights_hash = 0;  ///< of one block of the version's weights, each version another
  std::uint64_t sum_hash = 0;      ///< of the whole sum and its norms
  std::uint32_t computed = 0;      ///< micro-batches, in this step so far
  std::uint64_t microseconds = 0;  ///< that they took
  std::uint64_t waited_microseconds = 0;   ///< from then until it had the sum
  std::uint64_t bytes_sent = 0;            ///< in blocks, since it said so last
  std::uint64_t sending_microseconds = 0;  ///< while some of them were under way
  std::vector<NodeLoss> nodes;
  std::vector<Finding> findings;  ///< for each position of the plan that is audited
};
NODEZERO_WIRE_MESSAGE(gathered, term, machine, weights_hash, sum_hash, computed, microseconds,
                      waited_microseconds, bytes_sent, sending_microseconds, nodes, findings)

/// Grows while the machine computes or blocks come.
struct progress {
  std::uint32_t machine = 0;
  std::uint64_t events = 0;
};
NODEZERO_WIRE_MESSAGE(progress, machine, events)

/// A micro-batch failed on this machine as often as it may, or what came does not fit together.
/// Accepted of each term of the open step, until its commit.
struct failed {
  std::uint64_t term = 0;  ///< 0: of work whose plan has not come
  std::uint32_t machine = 0;
  std::string reason;
};
NODEZERO_WIRE_MESSAGE(failed, term, machine, reason)

/// The connection from this machine to another one has ended. Accepted always.
struct unreachable {
  std::uint32_t machine = 0;  ///< the sender's
  std::uint32_t other = 0;
};
NODEZERO_WIRE_MESSAGE(unreachable, machine, other)

// --------------------------------------------------------------------------------------------

/// Names and layouts of all messages, as text.
std::string protocol_text();
/// Its FNV-1a hash, as 16 digits: processes that do not mean the same do not talk.
std::string protocol_digest();

/// To be called before a system is made that talks to other processes.
void register_messages(caf::actor_system_config& config);

}  // namespace nodezero::actors::wire

NODEZERO_COMPILED_ONCE(nodezero::actors::wire::join)
NODEZERO_COMPILED_ONCE(nodezero::actors::wire::ready)
NODEZERO_COMPILED_ONCE(nodezero::actors::wire::leaving)
NODEZERO_COMPILED_ONCE(nodezero::actors::wire::refused)
NODEZERO_COMPILED_ONCE(nodezero::actors::wire::admitted)
NODEZERO_COMPILED_ONCE(nodezero::actors::wire::run_file)
NODEZERO_COMPILED_ONCE(nodezero::actors::wire::state_block)
NODEZERO_COMPILED_ONCE(nodezero::actors::wire::state_end)
NODEZERO_COMPILED_ONCE(nodezero::actors::wire::missed_block)
NODEZERO_COMPILED_ONCE(nodezero::actors::wire::missed_end)
NODEZERO_COMPILED_ONCE(nodezero::actors::wire::ended)
NODEZERO_COMPILED_ONCE(nodezero::actors::wire::dismissed)
NODEZERO_COMPILED_ONCE(nodezero::actors::wire::want_state)
NODEZERO_COMPILED_ONCE(nodezero::actors::wire::plan)
NODEZERO_COMPILED_ONCE(nodezero::actors::wire::back_up)
NODEZERO_COMPILED_ONCE(nodezero::actors::wire::work)
NODEZERO_COMPILED_ONCE(nodezero::actors::wire::commit)
NODEZERO_COMPILED_ONCE(nodezero::actors::wire::give_up)
NODEZERO_COMPILED_ONCE(nodezero::actors::wire::count_progress)
NODEZERO_COMPILED_ONCE(nodezero::actors::wire::part)
NODEZERO_COMPILED_ONCE(nodezero::actors::wire::sum)
NODEZERO_COMPILED_ONCE(nodezero::actors::wire::credit)
NODEZERO_COMPILED_ONCE(nodezero::actors::wire::finished)
NODEZERO_COMPILED_ONCE(nodezero::actors::wire::gathered)
NODEZERO_COMPILED_ONCE(nodezero::actors::wire::progress)
NODEZERO_COMPILED_ONCE(nodezero::actors::wire::failed)
NODEZERO_COMPILED_ONCE(nodezero::actors::wire::unreachable)
