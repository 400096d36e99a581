// SPDX-License-Identifier: BSD-3-Clause
#include "verify/scenarios/message_digests.hpp"

#include <functional>
#include <stdexcept>
#include <typeindex>
#include <unordered_map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "actors/digests.hpp"
#include "actors/interfaces.hpp"
#include "verify/explore/report.hpp"

namespace nodezero::verify {
namespace {

using namespace actors;
using explore::Delivery;
using runtime::Fingerprint;

using Table = std::unordered_map<std::type_index, std::function<std::uint64_t(const Delivery&)>>;

std::uint64_t number(auto value) {
  return static_cast<std::uint64_t>(value);
}

/// Fingerprint of an envelope and numbers.
template <class... Numbers>
std::uint64_t digest(const Envelope& envelope, Numbers... numbers) {
  Fingerprint result;
  result.add(digest_of(envelope));
  (result.add(number(numbers)), ...);
  return result.value();
}

template <class T, class Function>
void add(Table& table, Function function) {
  table.emplace(typeid(T), [function](const Delivery& delivery) {
    return function(delivery.element->content().get_as<T>(0));
  });
}

Table make_table() {
  Table table;
  // driver, node_zero, spheres
  add<begin_epoch>(table, [](const begin_epoch& m) { return digest(m.envelope); });
  add<evaluate>(table, [](const evaluate& m) { return digest(m.envelope); });
  add<plan_step>(table,
                 [](const plan_step& m) { return digest(m.envelope, m.purpose, m.step_in_epoch); });
  add<step_plan>(
      table, [](const step_plan& m) { return digest(m.envelope, m.purpose, m.batches->size()); });
  add<assign>(table, [](const assign& m) {
    return digest(m.envelope, m.purpose, digest_of(m.positions), digest_of(m.attempts),
                  m.weights != nullptr);
  });
  add<abandon>(table, [](const abandon& m) { return digest(m.envelope); });
  add<gradient>(table, [](const gradient& m) {
    return digest(m.envelope, m.purpose, m.sphere, digest_of(m.range), m.partial.full());
  });
  add<report>(table, [](const report& m) {
    return digest(m.envelope, m.purpose, m.sphere, digest_of(m.positions), digest_of(m.loss),
                  m.spheres_busy);
  });
  add<step_failed>(table, [](const step_failed& m) {
    return digest(m.envelope, m.purpose, digest_of(m.reason));
  });
  add<epoch_done>(table, [](const epoch_done& m) { return digest(m.envelope(), m.sealed()); });
  add<EvaluationSummary>(table, [](const EvaluationSummary& m) {
    return Fingerprint().add(m.step).add(m.version).add(m.best).value();
  });
  add<watchdog_tick>(table, [](const watchdog_tick&) { return std::uint64_t{0}; });
  // the optimizer
  add<apply>(table, [](const apply& m) {
    return digest(m.envelope, m.valid_tokens, m.with_gradient, m.export_state, m.sum.full(),
                  m.squared_norms.size());
  });
  add<optimizer_complete>(table, [](const optimizer_complete& m) {
    return digest(m.envelope(), m.sealed(), m.state() != nullptr);
  });
  add<export_state>(table, [](const export_state& m) { return digest(m.envelope); });
  add<exported_state>(table, [](const exported_state& m) { return digest(m.envelope); });
  // the lifecycle
  add<introduction>(table, [](const introduction&) { return std::uint64_t{0}; });
  add<training>(table, [](const training& m) { return digest(m.envelope, m.last_step); });
  add<snapshot>(table, [](const snapshot& m) {
    return digest(m.envelope, m.weights != nullptr, m.epoch_boundary);
  });
  add<epoch_failed>(table,
                    [](const epoch_failed& m) { return digest(m.envelope, digest_of(m.reason)); });
  add<generate>(table, [](const generate& m) { return number(m.tokens); });
  add<infer>(table, [](const infer& m) { return digest(m.envelope, m.request.tokens); });
  add<generated>(table, [](const generated& m) { return digest(m.envelope, m.tokens.size()); });
  add<inference_deadline>(table, [](const inference_deadline& m) { return m.request; });
  add<stop>(table, [](const stop&) { return std::uint64_t{0}; });
  add<halt>(table, [](const halt& m) { return digest(m.envelope); });
  add<halted>(table, [](const halted& m) { return digest(m.envelope); });
  add<stopped>(table, [](const stopped& m) { return m.checkpoint.progress.step; });
  // files and people
  add<save>(table, [](const save& m) { return digest(m.envelope, m.checkpoint.progress.step); });
  add<save_best>(table, [](const save_best& m) { return digest(m.envelope); });
  add<saved>(table, [](const saved& m) { return digest(m.envelope); });
  add<telemetry_flush>(table, [](const telemetry_flush&) { return std::uint64_t{0}; });
  add<telemetry_flushed>(table, [](const telemetry_flushed&) { return std::uint64_t{0}; });
  add<run_all>(table, [](const run_all&) { return std::uint64_t{0}; });
  add<run_ended>(table, [](const run_ended& m) {
    return Fingerprint()
        .add(m.was_stopped)
        .add(m.reason ? digest_of(*m.reason) : 0)
        .add(m.checkpoint.progress.step)
        .value();
  });
  // the lanes
  add<compute>(table, [](const compute& m) {
    return digest(m.envelope, m.purpose, m.position, m.buffer.full());
  });
  add<sum_shard>(table, [](const sum_shard& m) {
    return digest(m.envelope, digest_of(m.task->left.range), m.first_block);
  });
  add<computed>(table, [](const computed& m) { return digest(m.envelope, m.partial.full()); });
  add<update_shard>(table, [](const update_shard& m) { return digest(m.envelope, m.phase); });
  add<shard_done>(table, [](const shard_done& m) { return digest(m.envelope); });
  add<generate_some>(table, [](const generate_some& m) {
    return digest(m.envelope, m.session->tokens.size(), m.tokens);
  });
  add<generated_some>(table, [](const generated_some& m) { return digest(m.envelope); });
  add<count_finished>(table, [](const count_finished&) { return std::uint64_t{0}; });
  add<finished_count>(table, [](const finished_count& m) { return m.tasks; });
  // CAF
  add<caf::error>(table, [](const caf::error& m) { return digest_of(to_error(m)); });
  return table;
}

}  // namespace

std::uint64_t digest_of_message(const Delivery& delivery, const runtime::ActorKeys& keys) {
  static const Table table = make_table();
  if (const auto found = table.find(*delivery.type); found != table.end()) {
    return found->second(delivery);
  }
  if (const auto* down = delivery.as<caf::down_msg>()) {
    return Fingerprint().add(keys.of(down->source)).add(digest_of(to_error(down->reason))).value();
  }
  if (const auto* exit = delivery.as<caf::exit_msg>()) {
    return digest_of(to_error(exit->reason));
  }
  if (*delivery.type == typeid(void) || *delivery.type == typeid(caf::unit_t)) {
    return 0;  // the second half of a stand-in's work
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
  if (const auto* m = delivery.as<caf::error>()) {
    return fmt::format("error {}", to_string(to_error(*m).code));
  }
  return name;
}

}  // namespace nodezero::verify
