// SPDX-License-Identifier: BSD-3-Clause

// nodezero train: from a request to a trained model in a run folder.

#include "apps/nodezero/train/train_command.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "actors/run/trainer.hpp"
#include "actors/serving/run_server.hpp"
#include "apps/nodezero/common.hpp"
#include "apps/nodezero/process/crash_dump.hpp"
#include "apps/nodezero/process/signals.hpp"
#include "apps/nodezero/terminal/quantities.hpp"
#include "apps/nodezero/train/print_plan.hpp"
#include "apps/nodezero/train/recording.hpp"
#include "apps/nodezero/train/replay_facts.hpp"
#include "apps/nodezero/train/session_threads.hpp"
#include "apps/nodezero/train/stop_request.hpp"
#include "apps/nodezero/train/taken_up_run.hpp"
#include "apps/nodezero/train/train_machines.hpp"
#include "apps/nodezero/train/train_session.hpp"
#include "apps/nodezero/train/training_log.hpp"
#include "apps/nodezero/train/training_report.hpp"
#include "formats/printable_text.hpp"

namespace nodezero::apps {

namespace {

TrainingLogSettings log_settings(const PreparedRun& run, std::function<void()> stop) {
  return {.folder = run.folder->path(),
          .tokenizer = run.data.tokenizer,
          .prompts = run.options.prompts,
          .first_step = run.settings.resume ? run.settings.resume->progress.step : 0,
          .first_epoch = run.settings.resume ? run.settings.resume->progress.epoch : 0,
          .total_steps = run.plan.steps,
          .total_epochs = epoch_count(run.plan),
          .spheres = run.options.spheres,
          .tensorboard = run.options.tensorboard,
          .prometheus = run.options.prometheus,
          .run = run.record.run,
          .stop = std::move(stop)};
}

/// How long a step may take before those who ask for the run's health hear what it waits for.
std::chrono::duration<double> patience(const actors::RunSettings& settings) {
  return std::min<std::chrono::duration<double>>(std::chrono::seconds(30),
                                                 settings.stall_timeout / 2);
}

actors::Envelope first_version(const actors::RunSettings& settings) {
  const auto progress = settings.resume ? settings.resume->progress : model::TrainingProgress();
  return {settings.run, progress.epoch, progress.step, progress.version};
}

/// What serves the run's model while it trains; null if nobody asked for that.
std::unique_ptr<actors::RunServer> server_for(PreparedRun& run, const TrainRequest& request,
                                              OpenWorkWatch& waiting) {
  if (request.serve.empty()) {
    return nullptr;
  }
  auto options = serving_options(request.serve, request.serving);
  options.waits_for = [&waiting] { return waiting.in_words(); };
  const auto created = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::system_clock::now().time_since_epoch());
  return std::make_unique<actors::RunServer>(
      actors::ServedModel{.id = name_of_model(run.folder->path()),
                          .config = run.settings.training.model,
                          .tokenizer = run.data.tokenizer,
                          .created = created.count(),
                          .folder = run.folder->path(),
                          .start = first_version(run.settings)},
      std::move(options));
}

/// Trains, and returns the exit code.
int train(PreparedRun run, const TrainRequest& request, const Listening& listening) {
  if (is_finished(run)) {
    fmt::print("the run in {} is already finished: all {} steps are done\n",
               formats::escaped_name(run.folder->path().string()), grouped(run.plan.steps));
    return 0;
  }
  // Neither a closed pipe nor a limit on file sizes may kill a run: writes fail instead.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);

  const SignalBlock signal_block;
  OpenWorkWatch waiting(patience(run.settings));
  const auto server = server_for(run, request, waiting);
  const auto url =
      server ? serving_options(request.serve, request.serving) : actors::ServingOptions{};
  StopRequest stop;
  TrainingLog log =
      with_its_thread(0, run, [&] { return TrainingLog(log_settings(run, [&] { stop.ask(); })); });
  const auto say = [&log](const std::string& text) { log.print("note: " + text); };
  for (const auto& remark : run.remarks) {
    say(remark);
  }
  if (const auto slow = slow_precision(run.settings)) {
    say(*slow);
  }
  Recording recording = with_its_thread(1, run, [&] {
    return Recording(run.options, run.folder->path(), run.settings.run, facts_for_replay(run), say);
  });
  run.settings.recorder = recording.recorder();
  waiting.watch(log, recording);
  std::optional<CrashDump> crash_dump;
  if (run.options.trace_ring_s > 0) {
    crash_dump.emplace(*recording.recorder(), [&](const std::string& signal) {
      return unused_dump(run.folder->path(), signal);
    });
  }
  run.settings.before_saving = look_before_saving(run, say);
  auto others = other_machines(listening, run, say);
  log.print(header_text(run));

  // Served before the first actor exists, however long it takes to make all of them.
  const auto stop_soon = [&] {
    log.print("stopping when the current micro-batches are done; Ctrl-C again to quit at once");
    stop.ask();
  };
  const auto show_messages = [&] {
    say(recording.dump("asked", true).value_or("no messages to write: --trace-ring is 0"));
    if (const auto open = recording.open_work()) {
      say(*open);
    }
  };
  const SignalWatcher signals = with_its_thread(run.options.trace.empty() ? 1 : 2, run, [&] {
    return SignalWatcher(signal_block, stop_soon, show_messages);
  });
  const std::uint64_t first_step = run.settings.resume ? run.settings.resume->progress.step : 0;
  auto session = begin_session(run);
  actors::Trainer trainer(std::move(run.settings), log, std::move(others), server.get());
  if (server) {
    log.print(fmt::format("serving at {}", url_of(url, server->port())));
  }
  if (run.removes_later) {
    model::remove_later_checkpoints(run.folder->path(), first_step);
  }
  run.record.sessions.push_back(std::move(session));
  run.record.results = nullptr;
  write_run_record(run.folder->path(), run.record, exit_bad_input);
  stop.pass_to(trainer, server.get());
  const auto result = trainer.run();
  stop.forget();
  waiting.forget();
  forget_machines(run.folder->path());
  log.close();

  record_end(run, result, log, recording.recorder());
  if (const auto error = log.write_error(); !error.empty()) {
    throw CommandError(exit_failure, error + " " + resume_hint(run, result));
  }
  if (result.end == actors::TrainingResult::End::failed) {
    fail_run(run, result, recording, log);
  }
  print_results(run, result, log);
  if (result.end == actors::TrainingResult::End::stopped) {
    return exit_code_of_signal(signals.first_signal() != 0 ? signals.first_signal() : SIGTERM);
  }
  return 0;
}

}  // namespace

void train_command(const TrainRequest& request, const Listening& listening) {
  check_listening(request, listening);
  if (!listening.from.empty()) {
    take_up_run(request.given.out, listening);
  }
  auto run = prepare_run(request);
  if (request.plan) {
    print_plan(run, request.output.json);
    return;
  }
  const auto folder = run.folder->path();
  int exit_code = 0;
  try {
    exit_code = train(std::move(run), request, listening);
  } catch (...) {
    remove_unused(folder);
    throw;
  }
  if (exit_code != 0) {
    throw CommandExit{exit_code};
  }
}

}  // namespace nodezero::apps
