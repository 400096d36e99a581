// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/train/training_log.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "apps/nodezero/terminal/quantities.hpp"
#include "formats/printable_text.hpp"

namespace nodezero::apps {

namespace {

using namespace std::chrono_literals;

constexpr auto terminal_interval = 100ms;  ///< between updates while steps are being done
constexpr auto terminal_heartbeat = 1s;
constexpr auto plain_interval = 9s;  ///< safely below the promised 10 seconds
/// Steps before the remaining time is shown: the first ones also initialise libraries.
constexpr std::uint64_t settling_steps = 5;
/// Weight of the latest step in the smoothed rate.
constexpr double newest_weight = 0.1;

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string quoted_block(const std::string& text) {
  std::string block = "  | ";
  for (const char c : text) {
    block += c;
    if (c == '\n') {
      block += "  | ";
    }
  }
  return block;
}

/// Earlier versions counted the steps of this file from 0.
std::filesystem::path metrics_in(const std::filesystem::path& folder) {
  const auto path = folder / "metrics.jsonl";
  count_steps_from_one(path);
  return path;
}

}  // namespace

TrainingLog::TrainingLog(TrainingLogSettings settings)
    : settings_(std::move(settings)),
      metrics_(metrics_in(settings_.folder), settings_.first_step + 1),
      evaluations_(settings_.folder / "evaluations.jsonl", settings_.first_step + 1),
      run_metrics_{.run = fmt::format("{:016x}", settings_.run),
                   .steps = settings_.first_step,
                   .planned_steps = settings_.total_steps},
      prometheus_(settings_.prometheus.empty()
                      ? std::nullopt
                      : std::optional(PrometheusFile(settings_.prometheus, run_metrics_))),
      ticker_([this] { tick(); }) {
  if (settings_.tensorboard) {
    // The name of each session's file is its own, so that no session overwrites another's.
    const auto name =
        fmt::format("events.out.tfevents.{:.0f}.{}", seconds_since_1970(), settings_.first_step);
    events_.emplace(settings_.folder / name, seconds_since_1970());
    if (settings_.first_step > 0) {
      events_->start_session(seconds_since_1970(), settings_.first_step + 1);
    }
  }
  // A power loss takes lines that no disk had yet, and a checkpoint may be newer.
  const auto first_missing = std::max<std::uint64_t>(metrics_.next_step(), 1);
  if (first_missing <= settings_.first_step) {
    print(fmt::format(
        "note: metrics.jsonl lacks the lines of steps {} to {}, which an earlier session "
        "has lost",
        grouped(first_missing), grouped(settings_.first_step)));
  }
}

TrainingLog::~TrainingLog() {
  close();
}

void TrainingLog::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    screen_.clear();
    run_metrics_.is_active = false;
    update_prometheus(true);
  }
  closing_.notify_all();
  if (ticker_.joinable()) {
    ticker_.join();
  }
}

void TrainingLog::tick() {
  std::unique_lock lock(mutex_);
  while (!closed_) {
    const auto interval = screen_.is_terminal() ? Clock::duration(terminal_heartbeat)
                                                : Clock::duration(plain_interval);
    closing_.wait_until(lock, last_shown_ + interval);
    if (!closed_ && Clock::now() >= last_shown_ + interval) {
      show_progress(true);
    }
  }
}

std::string TrainingLog::progress_line() const {
  if (!step_) {
    return fmt::format("epoch {}/{}  step {}/{}  computing the first step for {}",
                       settings_.first_epoch + 1, settings_.total_epochs,
                       grouped(settings_.first_step + 1), grouped(settings_.total_steps),
                       duration_text(seconds()));
  }
  const auto done = step_->step + 1;
  const double step_seconds = stepping_seconds_ / static_cast<double>(session_steps_);
  const double left =
      static_cast<double>(settings_.total_steps - std::min(done, settings_.total_steps)) *
      step_seconds;
  const std::chrono::duration<double> waiting = Clock::now() - last_step_time_;
  auto line =
      fmt::format("epoch {}/{}  step {}/{}  loss {:.4f}  {} tokens/s", step_->epoch + 1,
                  settings_.total_epochs, grouped(done), grouped(settings_.total_steps),
                  step_->loss, grouped(static_cast<std::uint64_t>(std::llround(recent_rate_))));
  if (session_steps_ >= settling_steps) {
    line += fmt::format("  {} left", clock_text(left));
  }
  line += fmt::format("  {}/{} spheres busy", step_->spheres_busy, settings_.spheres);
  if (waiting.count() > 10 && waiting.count() > 3 * step_seconds) {
    line += fmt::format("  ({} since then)", duration_text(waiting.count()));
  }
  return line;
}

void TrainingLog::show_progress(bool at_once) {
  const auto now = Clock::now();
  const auto interval =
      screen_.is_terminal() ? Clock::duration(terminal_interval) : Clock::duration(plain_interval);
  if (closed_ || (!at_once && now - last_shown_ < interval)) {
    return;
  }
  last_shown_ = now;
  if (screen_.is_terminal()) {
    screen_.rewrite(progress_line());
  } else {
    screen_.print(progress_line());
  }
}

void TrainingLog::record(JsonLines& file, std::uint64_t step, const std::string& line,
                         const char* name) {
  if (!file.append(step, line)) {
    fail_to_write(name);
  }
}

void TrainingLog::record_events(const actors::StepSummary& step, double rate) {
  if (!events_) {
    return;
  }
  const double now = seconds_since_1970();
  const auto add = [&](const char* tag, double value) {
    events_->scalar(now, step.step + 1, tag, value);
  };
  add("train/loss", step.loss);
  add("train/learning_rate", step.learning_rate);
  add("train/gradient_norm", step.gradient_norm);
  add("train/tokens_per_second", rate);
  if (!events_->is_good()) {
    fail_to_write("events.out.tfevents");
  }
}

void TrainingLog::record_histograms(const actors::CheckpointSummary& checkpoint) {
  const double now = seconds_since_1970();
  // Without them if somebody has removed the checkpoint already.
  static_cast<void>(
      for_each_histogram(checkpoint.path, [&](const std::string& name, const Histogram& histogram) {
        events_->histogram(now, checkpoint.step, "weights/" + name, histogram);
      }));
}

/// A run goes on without its monitor.
void TrainingLog::update_prometheus(bool at_once) {
  if (prometheus_ && !prometheus_->update(run_metrics_, at_once)) {
    prometheus_.reset();
    screen_.print(fmt::format("note: '{}' can no longer be written, so Prometheus has no news",
                              settings_.prometheus.string()));
  }
}

void TrainingLog::fail_to_write(const std::string& name) {
  if (write_error_.empty()) {
    write_error_ =
        fmt::format("cannot write '{}': is the disk full?", (settings_.folder / name).string());
    settings_.stop();
  }
}

void TrainingLog::on_step(const actors::StepSummary& step) {
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  const double seconds = std::chrono::duration<double>(now - last_step_time_).count();
  last_step_time_ = now;
  const double rate = seconds > 0 ? static_cast<double>(step.tokens) / seconds : 0;
  recent_rate_ += (session_steps_ == 0 ? 1.0 : newest_weight) * (rate - recent_rate_);
  stepping_seconds_ += seconds;
  ++session_steps_;
  session_tokens_ += step.tokens;
  const bool first = !step_;
  step_ = step;
  record(metrics_, step.step + 1, metrics_line(step, seconds), "metrics.jsonl");
  record_events(step, rate);
  run_metrics_.steps = step.step + 1;
  run_metrics_.tokens = session_tokens_;
  run_metrics_.epoch = step.epoch + 1;
  run_metrics_.loss = step.loss;
  run_metrics_.gradient_norm = step.gradient_norm;
  run_metrics_.learning_rate = step.learning_rate;
  run_metrics_.step_seconds = seconds;
  run_metrics_.busy_spheres = step.spheres_busy;
  update_prometheus(false);
  const bool last = step.step + 1 == settings_.total_steps;
  show_progress(first || last);
}

void TrainingLog::on_evaluation(const actors::EvaluationSummary& evaluation) {
  const std::lock_guard lock(mutex_);
  last_step_time_ = Clock::now();  // so that the validation does not count towards the next step
  evaluation_ = evaluation;
  record(evaluations_, evaluation.step, evaluation_line(evaluation), "evaluations.jsonl");
  run_metrics_.validation_loss = evaluation.loss;
  update_prometheus(true);
  if (events_) {
    events_->scalar(seconds_since_1970(), evaluation.step, "validation/loss", evaluation.loss);
  }
  screen_.print(fmt::format("validation after step {}: loss {:.4f}, perplexity {:.2f}, {} tokens{}",
                            grouped(evaluation.step), evaluation.loss, std::exp(evaluation.loss),
                            grouped(evaluation.tokens),
                            evaluation.best ? ", the best so far" : ""));
}

void TrainingLog::on_epoch(const actors::EpochSummary& epoch) {
  const std::lock_guard lock(mutex_);
  screen_.print(fmt::format("epoch {} of {} done: {}, {} tokens, mean loss {:.4f}", epoch.epoch + 1,
                            settings_.total_epochs, counted(epoch.steps, "step"),
                            grouped(epoch.tokens), epoch.loss));
}

void TrainingLog::on_sample(const actors::SampleSummary& sample) {
  const std::lock_guard lock(mutex_);
  const auto& prompt = settings_.prompts[sample.prompt];
  // Decoded together, because a continuation may start in the middle of a character.
  const auto end = std::ranges::find(sample.tokens, settings_.tokenizer.end_token());
  const std::vector<std::int32_t> tokens(sample.tokens.begin(), end);
  const auto text = formats::printable(prompt + settings_.tokenizer.decode(tokens));
  if (events_) {
    events_->text(seconds_since_1970(), sample.version, fmt::format("sample/{}", sample.prompt + 1),
                  text);
  }
  screen_.print(
      fmt::format("sample {} of {} after epoch {} (weights of step {}, prompt \"{}\"):\n{}",
                  sample.prompt + 1, settings_.prompts.size(), sample.epoch + 1,
                  grouped(sample.version), formats::printable(prompt), quoted_block(text)));
}

void TrainingLog::on_checkpoint(const actors::CheckpointSummary& checkpoint) {
  const std::lock_guard lock(mutex_);
  if (events_) {
    record_histograms(checkpoint);
  }
  run_metrics_.checkpoint_step = checkpoint.step;
  update_prometheus(true);
  screen_.print(
      fmt::format("checkpoint of step {} saved: {}", grouped(checkpoint.step), checkpoint.path));
}

void TrainingLog::on_notice(const actors::Notice& notice) {
  print("note: " + notice.text);
}

void TrainingLog::print(const std::string& text) {
  const std::lock_guard lock(mutex_);
  screen_.print(text);
}

std::optional<actors::StepSummary> TrainingLog::last_step() const {
  const std::lock_guard lock(mutex_);
  return step_;
}

double TrainingLog::seconds_since_step() const {
  const std::lock_guard lock(mutex_);
  return std::chrono::duration<double>(Clock::now() - last_step_time_).count();
}

std::optional<actors::EvaluationSummary> TrainingLog::last_evaluation() const {
  const std::lock_guard lock(mutex_);
  return evaluation_;
}

double TrainingLog::seconds() const {
  return std::chrono::duration<double>(Clock::now() - start_).count();
}

std::uint64_t TrainingLog::session_tokens() const {
  const std::lock_guard lock(mutex_);
  return session_tokens_;
}

std::string TrainingLog::write_error() const {
  const std::lock_guard lock(mutex_);
  return write_error_;
}

}  // namespace nodezero::apps
