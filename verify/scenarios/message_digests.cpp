// SPDX-License-Identifier: BSD-3-Clause
#include "verify/scenarios/message_digests.hpp"

#include <cstring>
#include <stdexcept>
#include <typeindex>
#include <unordered_map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "actors/embedding/keeper.hpp"
#include "actors/fingerprints.hpp"
#include "actors/hosts/fingerprints.hpp"
#include "actors/hosts/host_session.hpp"
#include "actors/interfaces.hpp"
#include "verify/explore/report.hpp"

namespace nodezero::verify {
namespace {

using namespace actors;
using explore::Delivery;

using Digest = std::uint64_t (*)(const Delivery&, const runtime::ActorKeys&);
using Table = std::unordered_map<std::type_index, Digest>;

template <class T>
std::uint64_t digest(const Delivery& delivery, const runtime::ActorKeys& keys) {
  return runtime::fingerprint(keys, delivery.element->content().get_as<T>(0));
}

template <class... Messages>
Table table_of() {
  return {{typeid(Messages), digest<Messages>}...};
}

}  // namespace

std::uint64_t digest_of_message(const Delivery& delivery, const runtime::ActorKeys& keys) {
  static const Table table = table_of<  // driver, node_zero, spheres
      begin_epoch, evaluate, plan_step, step_plan, assign, abandon, gradient, report, step_failed,
      epoch_done, EvaluationSummary, watchdog_tick,
      // the optimizer
      apply, optimizer_complete, export_state, exported_state,
      // the lifecycle
      introduction, training, snapshot, epoch_failed, generate, infer, generated, generated_piece,
      abandon_request, inference_deadline, stop, halt, halted, stopped,
      // files and people
      save, save_best, saved, telemetry_flush, telemetry_flushed, run_all, run_ended,
      // the lanes
      compute, sum_shard, computed, update_shard, shard_done, generate_some, generated_some,
      count_finished, finished_count,
      // the keeper
      ask_weights, save_run, restore_run, close_run, batches_arrived,
      // several machines
      wire::join, wire::ready, wire::leaving, wire::refused, wire::admitted, wire::state_block,
      wire::state_end, wire::missed_block, wire::missed_end, wire::run_file, wire::ended,
      wire::dismissed, wire::plan, wire::back_up, wire::work, wire::commit, wire::give_up,
      wire::part, wire::sum, wire::credit, wire::finished, wire::gathered, wire::failed,
      wire::unreachable, use_weights, summed, apply_missed, missed_applied, hand_over, handed_over,
      end_hosts, hosts_ended, waiting_tick, backup_tick, leave, admission_deadline,
      // CAF
      caf::error>();
  if (const auto found = table.find(*delivery.type); found != table.end()) {
    return found->second(delivery, keys);
  }
  if (const auto* down = delivery.as<caf::down_msg>()) {
    return runtime::fingerprint(keys, down->source, down->reason);
  }
  if (const auto* exit = delivery.as<caf::exit_msg>()) {
    return runtime::fingerprint(keys, exit->reason);
  }
  if (*delivery.type == typeid(void) || *delivery.type == typeid(caf::unit_t)) {
    return 0;  // the second half of a stand-in's work
  }
  if (std::strcmp(delivery.receiver_name, "observer") == 0) {
    return 0;  // telemetry, which nobody acts by
  }
  throw std::logic_error("the explorer has no fingerprint for " +
                         explore::type_name(*delivery.type));
}

std::string describe_message(const Delivery& delivery) {
  const std::string name = explore::type_name(*delivery.type);
  const auto with_step = [&](const Envelope& envelope, const std::string& what) {
    return fmt::format("{} e{} s{} v{}{}{}", name, envelope.epoch, envelope.step, envelope.version,
                       what.empty() ? "" : " ", what);
  };
  if (const auto* m = delivery.as<assign>()) {
    return with_step(m->envelope, fmt::format("{}", m->positions));
  }
  if (const auto* m = delivery.as<gradient>()) {
    return with_step(m->envelope, fmt::format("[{}, {})", m->range.first, m->range.last));
  }
  if (const auto* m = delivery.as<report>()) {
    return with_step(m->envelope, fmt::format("{}", m->positions));
  }
  if (const auto* m = delivery.as<compute>()) {
    return with_step(m->envelope, fmt::format("{}", m->position));
  }
  if (const auto* m = delivery.as<sum_shard>()) {
    const auto& range = m->task->left.range;
    return with_step(m->envelope, fmt::format("[{}, {})", range.first, range.last));
  }
  if (const auto* m = delivery.as<apply>()) {
    return with_step(m->envelope, "");
  }
  if (const auto* m = delivery.as<optimizer_complete>()) {
    return with_step(m->envelope(), "");
  }
  if (const auto* m = delivery.as<epoch_done>()) {
    return with_step(m->envelope(), "");
  }
  if (const auto* m = delivery.as<snapshot>()) {
    return with_step(m->envelope, m->epoch_boundary ? "boundary" : "");
  }
  if (const auto* m = delivery.as<wire::plan>()) {
    return fmt::format("{} term {} s{} v{} of {} machines", name, m->term, m->step, m->version,
                       m->members.size());
  }
  if (const auto* m = delivery.as<wire::part>()) {
    return fmt::format("{} term {} block {} [{}, {})", name, m->term, m->block, m->range.first,
                       m->range.last);
  }
  if (const auto* m = delivery.as<wire::sum>()) {
    return fmt::format("{} term {} block {}", name, m->term, m->block);
  }
  if (const auto* m = delivery.as<wire::finished>()) {
    return fmt::format("{} term {} [{}, {})", name, m->term, m->node.first, m->node.last);
  }
  if (const auto* m = delivery.as<wire::gathered>()) {
    return fmt::format("{} term {} machine {}", name, m->term, m->machine);
  }
  if (const auto* m = delivery.as<wire::commit>()) {
    return fmt::format("{} term {}", name, m->term);
  }
  if (const auto* m = delivery.as<caf::error>()) {
    return fmt::format("error {}", to_string(to_error(*m).code));
  }
  return name;
}

}  // namespace nodezero::verify
