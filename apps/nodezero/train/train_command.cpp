// SPDX-License-Identifier: BSD-3-Clause

// nodezero train: from a request to a trained model in a run folder.

#include "apps/nodezero/train/train_command.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "actors/hosts/hosts_of_run.hpp"
#include "actors/run/trainer.hpp"
#include "actors/serving/run_server.hpp"
#include "apps/nodezero/common.hpp"
#include "apps/nodezero/hosts/hosts_command.hpp"
#include "apps/nodezero/options/option_values.hpp"
#include "apps/nodezero/plot/loss_chart.hpp"
#include "apps/nodezero/process/crash_dump.hpp"
#include "apps/nodezero/process/environment.hpp"
#include "apps/nodezero/process/memory.hpp"
#include "apps/nodezero/process/signals.hpp"
#include "apps/nodezero/terminal/json_answer.hpp"
#include "apps/nodezero/terminal/quantities.hpp"
#include "apps/nodezero/train/plan_machines.hpp"
#include "apps/nodezero/train/recording.hpp"
#include "apps/nodezero/train/replay_facts.hpp"
#include "apps/nodezero/train/session_threads.hpp"
#include "apps/nodezero/train/taken_up_run.hpp"
#include "apps/nodezero/train/training_log.hpp"
#include "apps/nodezero/train/training_report.hpp"
#include "formats/printable_text.hpp"
#include "model/files/atomic_file.hpp"
#include "runtime/network/secure_network.hpp"

namespace nodezero::apps {

namespace {

const char* end_name(actors::TrainingResult::End end) {
  switch (end) {
    case actors::TrainingResult::End::finished:
      return "finished";
    case actors::TrainingResult::End::stopped:
      return "stopped";
    case actors::TrainingResult::End::failed:
      return "failed";
  }
  return "?";
}

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

nlohmann::json begin_session(const PreparedRun& run) {
  return {{"started", timestamp()},
          {"from_step", run.settings.resume ? run.settings.resume->progress.step : 0},
          {"spheres", run.options.spheres},
          {"lanes", run.plan.lanes},
          {"symmetry", run.options.symmetry},
          {"routing", value_name(run.options.routing)},
          {"ended", nullptr}};
}

/// True if an earlier session did all steps and recorded that it finished.
bool is_finished(const PreparedRun& run) {
  return run.settings.resume && run.settings.resume->progress.step >= run.plan.steps &&
         run.record.results.is_object() && run.record.results.value("end", "") == "finished";
}

/// Saves what there is in a new folder of the same name, and says so.
Error lost_folder(const std::filesystem::path& folder, const model::Checkpoint* checkpoint,
                  const model::CheckpointContext& context) {
  auto message =
      fmt::format("somebody has removed or moved the run's folder '{}'", folder.string());
  if (checkpoint != nullptr) {
    const auto saved = model::CheckpointFolder(folder, 1, context).write(*checkpoint);
    message += saved ? fmt::format("; the weights of step {} are in a new one, in {}",
                                   checkpoint->progress.step, saved->string())
                     : fmt::format(", and a new one cannot be made: {}", saved.error().message);
  }
  return {ErrorCode::io, std::move(message)};
}

/// Asks a trainer to stop that may not exist yet, or may be about to go.
class StopRequest {
 public:
  void ask() {
    const std::lock_guard lock(mutex_);
    is_asked_ = true;
    pass_on();
  }
  /// `server` may be null.
  void pass_to(actors::Trainer& trainer, actors::RunServer* server) {
    const std::lock_guard lock(mutex_);
    trainer_ = &trainer;
    server_ = server;
    if (is_asked_) {
      pass_on();
    }
  }
  void forget() {
    const std::lock_guard lock(mutex_);
    trainer_ = nullptr;
    server_ = nullptr;
  }

 private:
  void pass_on() {
    if (server_ != nullptr) {
      server_->drain();
    }
    if (trainer_ != nullptr) {
      trainer_->stop();
    }
  }

  std::mutex mutex_;
  actors::Trainer* trainer_ = nullptr;
  actors::RunServer* server_ = nullptr;
  bool is_asked_ = false;
};

/// Where a run stands that begins or is resumed.
model::TrainingProgress progress_of(const actors::RunSettings& settings) {
  auto progress = settings.resume ? settings.resume->progress : model::TrainingProgress{};
  progress.run = settings.run;
  return progress;
}

/// The other machines that take part, if that was asked for; else null.
std::shared_ptr<actors::OtherMachines> other_machines(
    const Listening& listening, const PreparedRun& run,
    const std::function<void(const std::string&)>& say) {
  if (listening.address.empty()) {
    return nullptr;
  }
  namespace network = runtime::network;
  auto access = std::make_shared<network::SecureNetwork>(
      identity_from(listening.credentials),
      network::SecureNetworkSettings{
          .listen = unwrap(network::parse_endpoint(listening.address)),
          .host_timeout = std::chrono::milliseconds(std::llround(1e3 * listening.host_timeout_s)),
          .on_refusal = [say](const std::string& who, const std::string& why) {
            say(fmt::format("a host at {} was sent away: {}", who, why));
          }});
  const auto& settings = run.settings;
  return std::make_shared<actors::HostsOfRun>(actors::HostsOfRunSettings{
      .network = std::move(access),
      .told = {.training = settings.training,
               .total_steps = actors::total_steps(settings),
               .spheres = settings.spheres,
               .symmetry = settings.symmetry,
               .attempts = settings.attempts,
               .stall_timeout = settings.stall_timeout},
      .version = NODEZERO_VERSION,
      .run = settings.run,
      .files = files_for_taking_up(run),
      .progress = progress_of(settings),
      .audit = listening.audit,
      .wanted = listening.hosts,
      .wait = std::chrono::seconds(listening.wait_s),
      .on_address =
          [say, folder = run.folder->path()](const std::string& address) {
            unwrap(model::write_file_atomically(folder / network::address_file, address + "\n"),
                   exit_failure);
            say("hosts can connect to " + address);
          },
      .on_status = [folder = run.folder->path()](
                       const actors::HostsStatus& status) { write_hosts(folder, status); }});
}

/// @throws CommandError if the options on other machines cannot be
void check_listening(const TrainRequest& request, const Listening& listening) {
  const bool has_credentials = listening.credentials.are_given();
  if (!listening.from.empty() && (!request.resume || !has_credentials)) {
    throw CommandError(exit_bad_input, "--from needs --resume, and --secret FILE of the run");
  }
  if (listening.address.empty() && listening.hosts > 0) {
    throw CommandError(exit_bad_input, "--hosts needs --listen ADDRESS");
  }
  if (listening.address.empty() && listening.from.empty() && has_credentials) {
    throw CommandError(exit_bad_input, "--secret and certificates need --listen ADDRESS");
  }
  if (!listening.address.empty()) {
    if (!has_credentials) {
      throw CommandError(exit_bad_input,
                         "--listen needs --secret FILE, on this machine alone too; make one with "
                         "nodezero secret > FILE");
    }
    unwrap(runtime::network::parse_endpoint(listening.address));
    identity_from(listening.credentials);
  }
}

/// True if the watchdog ended the run: then the question is who is missing.
bool has_stalled(const actors::TrainingResult& result) {
  const auto says = [&](std::string_view text) {
    return result.failure.find(text) != std::string::npos;
  };
  return says("stall timeout") || says("did not answer in time");
}

/// How long a step may take before those who ask for the run's health hear what it waits for.
std::chrono::duration<double> patience(const actors::RunSettings& settings) {
  return std::min<std::chrono::duration<double>>(std::chrono::seconds(30),
                                                 settings.stall_timeout / 2);
}

/// What serves the run's model while it trains; null if nobody asked for that.
std::unique_ptr<actors::RunServer> server_for(PreparedRun& run, const TrainRequest& request,
                                              OpenWorkWatch& waiting) {
  if (request.serve.empty()) {
    return nullptr;
  }
  if (run.data.tokenizer.kind() == model::Tokenizer::Kind::none) {
    throw CommandError(exit_bad_input,
                       "--serve answers requests for text, and token files have no tokenizer");
  }
  auto options = serving_options(request.serve, request.serving);
  options.waits_for = [&waiting] { return waiting.in_words(); };
  auto& settings = run.settings;
  settings.snapshot_every = 1;
  settings.generate_together = options.together;
  settings.generation_share = request.serve_share;
  settings.most_versions = request.serve_versions;
  settings.most_requests = options.queue;
  const auto created = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::system_clock::now().time_since_epoch());
  return std::make_unique<actors::RunServer>(
      actors::ServedModel{.id = name_of_model(run.folder->path()),
                          .config = settings.training.model,
                          .tokenizer = run.data.tokenizer,
                          .created = created.count(),
                          .folder = run.folder->path()},
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
  run.settings.before_saving = [watch = model::DataWatch(run.data.used), say, &folder = *run.folder,
                                context = run.settings.checkpoint_context](
                                   const model::Checkpoint* checkpoint) mutable -> Result<void> {
    if (checkpoint != nullptr && !folder.is_still_there()) {
      return tl::unexpected(lost_folder(folder.path(), checkpoint, context));
    }
    return watch.look().map(
        [&](const std::vector<std::string>& remarks) { std::ranges::for_each(remarks, say); });
  };
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
  auto& record = run.record;
  record.sessions.push_back(std::move(session));
  record.results = nullptr;
  write_run_record(run.folder->path(), record, exit_bad_input);
  stop.pass_to(trainer, server.get());
  const auto result = trainer.run();
  stop.forget();
  waiting.forget();
  std::error_code ignored;
  for (const char* name : {runtime::network::address_file, hosts_file}) {
    std::filesystem::remove(run.folder->path() / name, ignored);
  }
  log.close();

  record.results = results_json(result, log, end_name(result.end));
  if (recording.recorder() && result.weights != nullptr) {
    note_end(*recording.recorder(), record.results.at("weights_sha256"));
  }
  record.sessions.back()["ended"] = timestamp();
  record.sessions.back()["end"] = end_name(result.end);
  record.sessions.back()["step"] = result.progress.step;
  write_run_record(run.folder->path(), record, exit_failure);

  if (const auto error = log.write_error(); !error.empty()) {
    throw CommandError(exit_failure, error + " " + resume_hint(run, result));
  }
  if (result.end == actors::TrainingResult::End::failed) {
    if (recording.recorder()) {
      recording.recorder()->note(result.failure);
    }
    if (const auto dumped = recording.dump("failed")) {
      say(*dumped);
      if (has_stalled(result)) {
        say(*recording.open_work());
      }
    }
    throw CommandError(exit_failure, result.failure + "; " + resume_hint(run, result));
  }
  // A session that was stopped before its first step has nothing to draw.
  const auto losses = log.is_on_terminal() && log.last_step()
                          ? losses_as_text(read_history(run.folder->path()))
                          : std::string();
  if (!losses.empty()) {
    log.print(losses);
  }
  log.print(results_text(run, result, record.results));
  if (result.end == actors::TrainingResult::End::stopped) {
    return exit_code_of_signal(signals.first_signal() != 0 ? signals.first_signal() : SIGTERM);
  }
  return 0;
}

void print_plan(const PreparedRun& run) {
  for (const auto& remark : run.remarks) {
    fmt::print("note: {}\n", formats::escaped(remark));
  }
  const auto available = available_memory();
  const bool fits = run.plan.total_bytes() <= available;
  const double seconds = fits ? estimate_seconds(run.plan, run.settings) : -1;
  fmt::print("{}", to_string(run.plan, available, seconds));
  if (fits) {
    fmt::print("{:<12}{}\n", "precision", precisions_text(run.settings));
    fmt::print("{}", machines_text(run.plan, run.settings, seconds));
  }
  std::fflush(stdout);
  check_memory(run.plan, available);
}

/// A plan that does not fit is an error, and nothing is printed before it.
void print_plan_as_json(const PreparedRun& run) {
  const auto available = available_memory();
  check_memory(run.plan, available);
  auto answer = json_answer("train --plan");
  const double seconds = estimate_seconds(run.plan, run.settings);
  answer.update(plan_as_json(run.plan, available, seconds));
  answer["machines"] = machines_as_json(run.plan, run.settings, seconds);
  answer["remarks"] = run.remarks;
  print_json(answer);
}

}  // namespace

void train_command(const TrainRequest& request, const Listening& listening) {
  check_listening(request, listening);
  if (!listening.from.empty()) {
    take_up_run(request.given.out, listening);
  }
  auto run = prepare_run(request);
  if (request.plan) {
    if (request.output.json) {
      print_plan_as_json(run);
    } else {
      print_plan(run);
    }
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
