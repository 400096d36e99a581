// SPDX-License-Identifier: BSD-3-Clause
#include "actors/laws/trace_catalogue.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "actors/interfaces.hpp"
#include "actors/laws/wire_catalogue.hpp"

namespace nodezero::actors {
namespace {

using runtime::trace::Catalogue;
using runtime::trace::FieldDescription;
using runtime::trace::FieldKind;
using runtime::trace::PayloadWriter;

using Fields = std::vector<FieldDescription>;

FieldDescription number(std::string name) {
  return {std::move(name), FieldKind::number};
}
FieldDescription real(std::string name) {
  return {std::move(name), FieldKind::real};
}
FieldDescription numbers(std::string name) {
  return {std::move(name), FieldKind::numbers};
}

void write(const Envelope& envelope, PayloadWriter& payload) {
  payload.number(envelope.epoch);
  payload.number(envelope.step);
  payload.number(envelope.version);
}

const Envelope& envelope_of(const auto& message) {
  if constexpr (requires { message.envelope(); }) {
    return message.envelope();
  } else {
    return message.envelope;
  }
}

/// A message with an envelope; `rest` writes the fields of its own.
template <class T, class Write>
void add(Catalogue& catalogue, std::string name, Fields fields, Write) {
  Fields all = {number("epoch"), number("step"), number("version")};
  all.insert(all.end(), fields.begin(), fields.end());
  catalogue.add<T>(std::move(name), std::move(all), [](const T& message, PayloadWriter& payload) {
    write(envelope_of(message), payload);
    Write{}(message, payload);
  });
}

template <class T>
void add(Catalogue& catalogue, std::string name) {
  add<T>(catalogue, std::move(name), {}, [](const T&, PayloadWriter&) {});
}

std::uint64_t as_number(auto value) {
  return static_cast<std::uint64_t>(value);
}

/// Whom an error blames: one of each, or none.
void write_blame(const Error& reason, PayloadWriter& payload) {
  const auto write_one = [&](const std::optional<std::uint32_t>& id) {
    const std::uint32_t number = id.value_or(0);
    payload.numbers(std::span(&number, id ? 1 : 0));
  };
  const auto place = reason.place.value_or(ErrorPlace{});
  payload.number(as_number(reason.code));
  write_one(place.sphere);
  write_one(place.micro_batch);
}
const Fields blame = {number("code"), numbers("spheres"), numbers("micro_batches")};

void add_training(Catalogue& catalogue) {
  add<begin_epoch>(catalogue, "begin_epoch");
  add<epoch_done>(catalogue, "epoch_done", {number("sealed")},
                  [](const epoch_done& m, PayloadWriter& p) { p.number(m.sealed()); });
  add<evaluate>(catalogue, "evaluate");
  add<plan_step>(catalogue, "plan_step", {number("purpose")},
                 [](const plan_step& m, PayloadWriter& p) { p.number(as_number(m.purpose)); });
  add<step_plan>(catalogue, "step_plan", {number("purpose"), number("micro_batches")},
                 [](const step_plan& m, PayloadWriter& p) {
                   p.number(as_number(m.purpose));
                   p.number(m.batches ? m.batches->batches.size() : 0);
                 });
  add<assign>(catalogue, "assign", {number("purpose"), numbers("positions")},
              [](const assign& m, PayloadWriter& p) {
                p.number(as_number(m.purpose));
                p.numbers(m.positions);
              });
  add<abandon>(catalogue, "abandon");
  add<gradient>(catalogue, "gradient",
                {number("purpose"), number("sphere"), number("first"), number("last")},
                [](const gradient& m, PayloadWriter& p) {
                  p.number(as_number(m.purpose));
                  p.number(m.sphere);
                  p.number(m.range.first);
                  p.number(m.range.last);
                });
  add<report>(catalogue, "report",
              {number("purpose"), number("sphere"), numbers("positions"), real("loss_sum"),
               number("valid_tokens")},
              [](const report& m, PayloadWriter& p) {
                p.number(as_number(m.purpose));
                p.number(m.sphere);
                p.numbers(m.positions);
                p.real(m.loss.negative_log_likelihood);
                p.number(as_number(m.loss.valid_tokens));
              });
  add<step_failed>(catalogue, "step_failed", blame,
                   [](const step_failed& m, PayloadWriter& p) { write_blame(m.reason, p); });
  catalogue.add<watchdog_tick>("watchdog_tick");
}

void add_lanes(Catalogue& catalogue) {
  add<compute>(catalogue, "compute", {number("purpose"), number("position")},
               [](const compute& m, PayloadWriter& p) {
                 p.number(as_number(m.purpose));
                 p.number(m.position);
               });
  add<sum_shard>(catalogue, "sum_shard",
                 {number("first"), number("last"), number("first_block"), number("last_block")},
                 [](const sum_shard& m, PayloadWriter& p) {
                   p.number(m.task->left.range.first);
                   p.number(m.task->left.range.last);
                   p.number(m.first_block);
                   p.number(m.last_block);
                 });
  add<computed>(catalogue, "computed");
  add<update_shard>(catalogue, "update_shard",
                    {number("phase"), number("first_block"), number("last_block")},
                    [](const update_shard& m, PayloadWriter& p) {
                      p.number(as_number(m.phase));
                      p.number(m.first_block);
                      p.number(m.last_block);
                    });
  add<shard_done>(catalogue, "shard_done");
  add<generate_some>(catalogue, "generate_some", {number("tokens"), number("requests")},
                     [](const generate_some& m, PayloadWriter& p) {
                       p.number(as_number(m.tokens));
                       p.number(m.sessions.size());
                     });
  add<generated_some>(catalogue, "generated_some");
  catalogue.add<count_finished>("count_finished");
  catalogue.add<finished_count>(
      "finished_count", {number("tasks")},
      [](const finished_count& m, PayloadWriter& p) { p.number(m.tasks); });
}

void add_optimizer(Catalogue& catalogue) {
  add<apply>(catalogue, "apply",
             {number("valid_tokens"), number("with_gradient"), number("export_state")},
             [](const apply& m, PayloadWriter& p) {
               p.number(as_number(m.valid_tokens));
               p.number(m.with_gradient);
               p.number(m.export_state);
             });
  add<optimizer_complete>(catalogue, "optimizer_complete",
                          {number("sealed"), real("gradient_norm"), real("learning_rate")},
                          [](const optimizer_complete& m, PayloadWriter& p) {
                            p.number(m.sealed());
                            p.real(m.gradient_norm());
                            p.real(m.learning_rate());
                          });
  add<export_state>(catalogue, "export_state");
  add<exported_state>(catalogue, "exported_state");
}

void add_lifecycle(Catalogue& catalogue) {
  catalogue.add<introduction>("introduction");
  add<training>(catalogue, "training", {number("last_step")},
                [](const training& m, PayloadWriter& p) { p.number(m.last_step); });
  add<snapshot>(catalogue, "snapshot", {number("epoch_boundary"), number("with_weights")},
                [](const snapshot& m, PayloadWriter& p) {
                  p.number(m.epoch_boundary);
                  p.number(m.weights != nullptr);
                });
  add<epoch_failed>(catalogue, "epoch_failed", blame,
                    [](const epoch_failed& m, PayloadWriter& p) { write_blame(m.reason, p); });
  // A host's request comes from outside: in full, so that it can be made again.
  catalogue.add<generate>("generate",
                          {number("prompt_tokens"), number("tokens"), numbers("prompt"),
                           real("temperature"), number("top_k"), real("top_p"), number("seed")},
                          [](const generate& m, PayloadWriter& p) {
                            p.number(m.prompt.size());
                            p.number(as_number(m.tokens));
                            p.numbers(std::vector<std::uint32_t>(m.prompt.begin(), m.prompt.end()));
                            p.real(m.sampling.temperature);
                            p.number(as_number(m.sampling.top_k));
                            p.real(m.sampling.top_p);
                            p.number(m.sampling.seed);
                          });
  add<infer>(catalogue, "infer", {number("prompt_tokens"), number("tokens")},
             [](const infer& m, PayloadWriter& p) {
               p.number(m.request.prompt.size());
               p.number(as_number(m.request.tokens));
             });
  add<generated>(catalogue, "generated", {number("tokens")},
                 [](const generated& m, PayloadWriter& p) { p.number(m.tokens.size()); });
  add<generated_piece>(catalogue, "generated_piece", {number("ticket"), number("tokens")},
                       [](const generated_piece& m, PayloadWriter& p) {
                         p.number(m.ticket);
                         p.number(m.tokens.size());
                       });
  catalogue.add<abandon_request>(
      "abandon_request", {number("ticket")},
      [](const abandon_request& m, PayloadWriter& p) { p.number(m.ticket); });
  catalogue.add<inference_deadline>(
      "inference_deadline", {number("request")},
      [](const inference_deadline& m, PayloadWriter& p) { p.number(m.request); });
  catalogue.add<stop>("stop");
  add<halt>(catalogue, "halt");
  add<halted>(catalogue, "halted");
  catalogue.add<stopped>("stopped");
}

void add_files(Catalogue& catalogue) {
  add<save>(catalogue, "save");
  add<save_best>(catalogue, "save_best");
  add<saved>(catalogue, "saved");
}

void write_evaluation(const EvaluationSummary& m, PayloadWriter& p) {
  p.number(m.epoch);
  p.number(m.step);
  p.number(m.version);
  p.real(m.loss);
  p.number(m.tokens);
  p.number(m.best);
}

void add_telemetry(Catalogue& catalogue) {
  catalogue.add<telemetry_step>(
      "telemetry_step",
      {number("epoch"), number("step"), number("version"), real("loss"), real("gradient_norm"),
       number("tokens"), number("micro_batches"), number("spheres_busy")},
      [](const telemetry_step& m, PayloadWriter& p) {
        p.number(m.summary.epoch);
        p.number(m.summary.step);
        p.number(m.summary.version);
        p.real(m.summary.loss);
        p.real(m.summary.gradient_norm);
        p.number(m.summary.tokens);
        p.number(m.summary.micro_batches);
        p.number(m.summary.spheres_busy);
      });
  const Fields evaluation = {number("epoch"), number("step"),   number("version"),
                             real("loss"),    number("tokens"), number("best")};
  catalogue.add<EvaluationSummary>(
      "evaluated", evaluation,
      [](const EvaluationSummary& m, PayloadWriter& p) { write_evaluation(m, p); });
  catalogue.add<telemetry_evaluation>(
      "telemetry_evaluation", evaluation,
      [](const telemetry_evaluation& m, PayloadWriter& p) { write_evaluation(m.summary, p); });
  catalogue.add<telemetry_epoch>(
      "telemetry_epoch",
      {number("epoch"), number("version"), number("steps"), real("loss"), number("tokens")},
      [](const telemetry_epoch& m, PayloadWriter& p) {
        p.number(m.summary.epoch);
        p.number(m.summary.version);
        p.number(m.summary.steps);
        p.real(m.summary.loss);
        p.number(m.summary.tokens);
      });
  catalogue.add<telemetry_sample>("telemetry_sample",
                                  {number("epoch"), number("version"), number("tokens")},
                                  [](const telemetry_sample& m, PayloadWriter& p) {
                                    p.number(m.summary.epoch);
                                    p.number(m.summary.version);
                                    p.number(m.summary.tokens.size());
                                  });
  catalogue.add<telemetry_checkpoint>(
      "telemetry_checkpoint", {number("step")},
      [](const telemetry_checkpoint& m, PayloadWriter& p) { p.number(m.summary.step); });
  catalogue.add<telemetry_notice>("telemetry_notice");
  catalogue.add<telemetry_flush>("telemetry_flush");
  catalogue.add<telemetry_flushed>("telemetry_flushed");
}

void add_ends(Catalogue& catalogue) {
  catalogue.add<run_all>("run_all");
  catalogue.add<run_ended>("run_ended", {number("was_stopped"), number("code")},
                           [](const run_ended& m, PayloadWriter& p) {
                             p.number(m.was_stopped);
                             p.number(m.reason ? as_number(m.reason->code) : 0);
                           });
  // A request's answer that is an error. Errors of CAF's own have a code of CAF's.
  Fields error = {number("ours"), number("code")};
  error.insert(error.end(), blame.begin() + 1, blame.end());
  catalogue.add<caf::error>("error", error, [](const caf::error& m, PayloadWriter& p) {
    const bool is_ours = m.context().match_elements<Error>();
    p.number(is_ours);
    if (is_ours) {
      write_blame(m.context().get_as<Error>(0), p);
    } else {
      p.number(m.code());
    }
  });
  const auto write_end = [](const auto& m, PayloadWriter& p) {
    p.number(m.reason ? m.reason.code() : 0);  // none: it has simply quit
  };
  catalogue.add<caf::down_msg>("down", {number("code")}, write_end);
  catalogue.add<caf::exit_msg>("exit", {number("code")}, write_end);
}

}  // namespace

runtime::trace::Catalogue trace_catalogue() {
  Catalogue catalogue;
  add_training(catalogue);
  add_lanes(catalogue);
  add_optimizer(catalogue);
  add_lifecycle(catalogue);
  add_files(catalogue);
  add_telemetry(catalogue);
  add_ends(catalogue);
  add_wire_messages(catalogue);
  return catalogue;
}

}  // namespace nodezero::actors
