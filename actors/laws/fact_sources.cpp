// SPDX-License-Identifier: BSD-3-Clause
#include "actors/laws/fact_sources.hpp"

#include "runtime/inspect/filter.hpp"

namespace nodezero::actors {
namespace {

using runtime::trace::Kind;

constexpr std::array sources = {
    FactSource{"begin_epoch", Kind::send, "", FactKind::epoch_begun, FactKind::epoch_begun},
    FactSource{"training", Kind::send, "", FactKind::training, FactKind::training, {"last_step"}},
    FactSource{
        "step_plan", Kind::send, "", FactKind::planned, FactKind::evaluate, {"micro_batches"}},
    FactSource{"assign",
               Kind::begin,
               "worker",
               FactKind::assigned,
               FactKind::evaluation_assigned,
               {"version"}},
    FactSource{"computed",
               Kind::send,
               "lane",
               FactKind::computed,
               FactKind::evaluation_computed,
               {"version"}},
    FactSource{"gradient", Kind::send, "worker", FactKind::handed_over, FactKind::handed_over},
    FactSource{"report", Kind::send, "worker", FactKind::closed, FactKind::evaluation_closed},
    FactSource{"shard_done", Kind::send, "lane", FactKind::added, FactKind::added},
    FactSource{"gradient", Kind::begin, "node_zero", FactKind::arrived, FactKind::arrived},
    FactSource{"report", Kind::begin, "node_zero", FactKind::reported,
               FactKind::evaluation_reported},
    FactSource{"apply",
               Kind::send,
               "",
               FactKind::applied,
               FactKind::applied,
               {"version", "valid_tokens", "with_gradient"}},
    FactSource{"optimizer_complete",
               Kind::send,
               "",
               FactKind::completed,
               FactKind::completed,
               {"version", "sealed", "gradient_norm", "learning_rate"}},
    FactSource{"telemetry_step",
               Kind::send,
               "",
               FactKind::step_told,
               FactKind::step_told,
               {"version", "loss", "gradient_norm", "tokens", "micro_batches"}},
    FactSource{"evaluated",
               Kind::send,
               "",
               FactKind::evaluated,
               FactKind::evaluated,
               {"version", "loss", "tokens", "best"}},
    FactSource{"telemetry_evaluation",
               Kind::send,
               "",
               FactKind::evaluation_told,
               FactKind::evaluation_told,
               {"version", "loss", "tokens", "best"}},
    FactSource{"epoch_done",
               Kind::send,
               "",
               FactKind::epoch_done,
               FactKind::epoch_done,
               {"version", "sealed"}},
    FactSource{"telemetry_epoch",
               Kind::send,
               "",
               FactKind::epoch_told,
               FactKind::epoch_told,
               {"version", "steps", "loss", "tokens"}},
    FactSource{"telemetry_sample",
               Kind::send,
               "",
               FactKind::sample_told,
               FactKind::sample_told,
               {"version", "tokens"}},
    FactSource{"snapshot",
               Kind::send,
               "",
               FactKind::snapshot,
               FactKind::snapshot,
               {"version", "epoch_boundary"}},
    FactSource{"infer",
               Kind::send,
               "lifecycle",
               FactKind::asked_to_generate,
               FactKind::asked_to_generate,
               {"prompt_tokens", "tokens"}},
    FactSource{
        "generated", Kind::send, "inference", FactKind::generated, FactKind::generated, {"tokens"}},
    FactSource{
        "step_failed", Kind::send, "", FactKind::step_failed, FactKind::step_failed, {"code"}},
    FactSource{"halted", Kind::send, "", FactKind::halted, FactKind::halted, {"version"}},
    FactSource{"stopped", Kind::send, "lifecycle", FactKind::stop_answered,
               FactKind::stop_answered},
    FactSource{"run_ended",
               Kind::send,
               "",
               FactKind::run_ended,
               FactKind::run_ended,
               {"was_stopped", "code"}},
};

}  // namespace

std::span<const FactSource> fact_sources() {
  return sources;
}

std::uint64_t number_said(const runtime::trace::Trace& trace, runtime::inspect::EventNumber event,
                          std::string_view field, std::uint64_t otherwise) {
  std::uint64_t value = 0;
  const runtime::trace::Event& said = trace.event(event);
  if (trace.number(said, field, value)) {
    return value;
  }
  if (const auto* message = trace.message_of(said); message != nullptr && message->request != 0) {
    const auto asked = trace.messages[message->request - 1].sent;
    if (asked != 0 && trace.number(trace.event(asked), field, value)) {
      return value;
    }
  }
  return runtime::inspect::number_around(trace, said, field).value_or(otherwise);
}

}  // namespace nodezero::actors
