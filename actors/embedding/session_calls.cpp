// SPDX-License-Identifier: BSD-3-Clause

// The host's calls.

#include <cmath>
#include <exception>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "actors/embedding/host_batches.hpp"
#include "actors/embedding/session.hpp"
#include "actors/embedding/state_bytes.hpp"
#include "model/files/atomic_file.hpp"
#include "nodezero/language_model.hpp"

namespace nodezero {
namespace {

tl::unexpected<Error> closed() {
  return fail(ErrorCode::closed, "the trainer is closed");
}

/// When that many steps are done, added up as advance_to does it: a product has other bits, and
/// with those the host's next time could fall short of a step.
double time_of(std::uint64_t steps, double per_step, double time) {
  for (std::uint64_t i = 0; i < steps && per_step > 0; ++i) {
    time += per_step;
  }
  return time;
}

}  // namespace

std::optional<Error> Trainer::Session::refusal(bool needs_stepped) const {
  if (is_closed()) {
    return closed().value();
  }
  if (needs_stepped && !is_stepped()) {
    return Error{ErrorCode::wrong_mode,
                 "this trainer is not stepped and computes without such calls: use wait_for_steps"};
  }
  if (is_stepped() && !is_owner()) {
    return Error{
        ErrorCode::wrong_thread,
        "only the thread that created a stepped trainer may do this: others submit and ask for "
        "the status"};
  }
  if (host_calls_->is_inside()) {
    return Error{ErrorCode::busy,
                 "a callback or a model's function cannot do this: return from it first"};
  }
  return std::nullopt;
}

// -- waiting for an answer -----------------------------------------------------------------------

template <class Message>
Result<void> Trainer::Session::tell(Message message) {
  const runtime::HostJobs::Sending sending(jobs_);
  const std::lock_guard lock(mutex_);
  if (!keeper_) {
    return closed();
  }
  caf::anon_send(keeper_, std::move(message));
  return {};
}

template <class Answer, class Message>
Result<Answer> Trainer::Session::ask(Message message) {
  auto [settle, answer] = promised<Answer>();
  message.settle = std::move(settle);
  if (auto told = tell(std::move(message)); !told) {
    return fail(std::move(told.error()));
  }
  return await(std::move(answer));
}

/// Does the actors' work meanwhile if they have no threads for it.
template <class Answer>
Result<Answer> Trainer::Session::await(std::future<Result<Answer>> answer) {
  if (jobs_) {
    jobs_->help_until([&] { return is_ready(answer); });
  } else if (is_stepped() && is_owner()) {
    while (!is_ready(answer) && scheduler_->try_run_once()) {
    }
  } else {
    answer.wait();
  }
  if (!is_ready(answer)) {
    return fail(ErrorCode::internal, "nobody answers");
  }
  try {
    return answer.get();
  } catch (const std::future_error&) {  // nobody was left to keep the promise
    return closed();
  }
}

// -- getting work done ---------------------------------------------------------------------------

/// Stepped, where only the owner closes: it may look at the keeper without the lock.
Progress Trainer::Session::pump(std::uint64_t budget) {
  if (queue_) {
    queue_->tell_feed();
  }
  for (std::uint64_t i = 0; i < budget && keeper_; ++i) {
    if (const Progress event = board_->take_event(); event != Progress::working) {
      return event;
    }
    if (!scheduler_->try_run_once()) {
      return Progress::idle;
    }
  }
  return board_->take_event();
}

Result<Status> Trainer::Session::step(std::uint64_t budget) {
  if (auto error = refusal(true)) {
    return fail(std::move(*error));
  }
  if (budget == 0) {
    return fail(ErrorCode::invalid_argument, "a step needs a budget of at least one message");
  }
  const Inside inside(*this);
  return status_of(pump(budget));
}

Result<Status> Trainer::Session::advance_to(double time) {
  if (auto error = refusal(true)) {
    return fail(std::move(*error));
  }
  double reached = status().time;
  const double per_step = options_.time_per_step;
  const auto refuse = [](std::string message) {
    return fail(ErrorCode::invalid_argument, std::move(message));
  };
  if (!std::isfinite(time)) {
    return refuse(fmt::format("a time of {} is not a finite number", time));
  }
  if (time < reached) {
    return refuse(
        fmt::format("time {} lies before {}, which was reached already: to go back, "
                    "restore a state first",
                    time, reached));
  }
  if (per_step == 0 && !queue_ && options_.total_steps == 0) {
    return refuse("batches that never end need a time_per_step: this would not return");
  }
  if (per_step > 0 && (reached + per_step == reached || time + per_step == time)) {
    return refuse(
        fmt::format("time_per_step ({}) is lost in rounding at time {}: this would not "
                    "return",
                    per_step, time));
  }
  const Inside inside(*this);
  Progress best = Progress::working;
  while (keeper_ && reached + per_step <= time) {
    const Progress progress = pump(std::numeric_limits<std::uint64_t>::max());
    if (progress == Progress::step_done || progress == Progress::epoch_done) {
      best = std::max(best, progress);
      board_->set_time(reached += per_step);
      continue;
    }
    if (progress == Progress::failed) {
      return status_of(progress);
    }
    board_->set_time(time);
    return status_of(best == Progress::working || progress == Progress::finished ? progress : best);
  }
  return status_of(best);
}

Status Trainer::Session::status_of(Progress progress) const {
  Status status = this->status();
  status.progress = progress;
  return status;
}

Result<Status> Trainer::Session::wait_for_steps(std::uint64_t steps,
                                                std::chrono::milliseconds timeout) {
  if (is_stepped()) {
    return fail(ErrorCode::wrong_mode,
                "a stepped trainer does nothing while its host waits: call step or advance_to");
  }
  if (auto error = refusal(false)) {
    return fail(std::move(*error));
  }
  const auto deadline = deadline_in(timeout);
  const bool has_come = jobs_ ? jobs_->help_until([&] { return board_->has_come(steps); }, deadline)
                              : board_->wait_for(steps, deadline);
  if (!has_come) {
    return fail(ErrorCode::timed_out, fmt::format("{} of {} steps were done in {} ms",
                                                  status().steps, steps, timeout.count()));
  }
  if (is_closed()) {
    return closed();
  }
  return status();
}

// -- batches and predictions ---------------------------------------------------------------------

Result<void> Trainer::Session::submit(AnyValue batch) {
  if (is_closed()) {
    return closed();
  }
  if (!queue_) {
    return fail(ErrorCode::wrong_mode, "this trainer's batches come from a function");
  }
  const runtime::HostJobs::Turn turn(jobs_);
  if (auto error = actors::check_batch(*model_, batch)) {
    return fail(std::move(*error));
  }
  auto pushed = [&] {
    const runtime::HostJobs::Sending sending(jobs_);
    return queue_->push(batch);
  }();
  const bool may_wait = !host_calls_->is_inside() && !(is_stepped() && is_owner());
  if (pushed || pushed.error().code != ErrorCode::queue_full || !may_wait) {
    return pushed;
  }
  auto [settle, answer] = promised<void>();
  queue_->push_when_room(batch, std::move(settle));
  return await(std::move(answer));
}

Result<Prediction<AnyValue>> Trainer::Session::predict(AnyValue input) {
  if (auto error = refusal(false)) {
    return fail(std::move(*error));
  }
  const Inside inside(*this);
  if (auto error = actors::check_input(*model_, input)) {
    return fail(std::move(*error));
  }
  return ask<Prediction<AnyValue>>(actors::ask_weights{std::move(input), {}});
}

// -- texts ---------------------------------------------------------------------------------------

Result<std::shared_ptr<actors::TextSink>> Trainer::Session::begin_text(const Prompt& prompt,
                                                                       std::uint64_t& ticket) {
  if (auto error = refusal(false)) {
    return fail(std::move(*error));
  }
  auto question = actors::question_of(*model_, prompt);
  if (!question) {
    return fail(std::move(question.error()));
  }
  const Inside inside(*this);
  ticket = ++texts_;
  const auto sink = std::make_shared<actors::TextSink>();
  // Whoever is to tell it tells its end, at the latest when he goes.
  const std::shared_ptr<actors::TextSink> writer(
      sink.get(), [sink](actors::TextSink* text) { text->end(closed().value()); });
  return tell(actors::ask_text{ticket, std::move(*question), writer}).map([&] { return sink; });
}

/// Does the actors' work meanwhile if they have no threads for it.
Result<std::optional<std::int32_t>> Trainer::Session::next_token(actors::TextSink& text) {
  if (auto error = refusal(false)) {
    return error->code == ErrorCode::closed && text.has_news() ? text.take()
                                                               : fail(std::move(*error));
  }
  const Inside inside(*this);
  if (jobs_) {
    jobs_->help_until([&] { return text.has_news(); });
  } else if (is_stepped()) {
    while (!text.has_news() && scheduler_->try_run_once()) {
    }
  } else {
    text.wait_for_news();
  }
  if (!text.has_news()) {
    return fail(ErrorCode::internal, "nobody answers");
  }
  return text.take();
}

void Trainer::Session::cancel_text(std::uint64_t ticket) {
  if (is_stepped() && !is_owner()) {
    return;
  }
  const Inside inside(*this);
  static_cast<void>(tell(actors::abandon_request{ticket}));
}

// -- states --------------------------------------------------------------------------------------

Result<SavedState> Trainer::Session::save() {
  if (auto error = refusal(false)) {
    return fail(std::move(*error));
  }
  const Inside inside(*this);
  const auto to_bytes = [this](const model::Checkpoint& checkpoint) -> Result<SavedState> {
    try {
      return actors::checkpoint_to_bytes(checkpoint, options_);
    } catch (const std::exception& error) {
      return fail(ErrorCode::internal, error.what());
    }
  };
  return ask<model::Checkpoint>(actors::save_run{}).and_then(to_bytes);
}

Result<void> Trainer::Session::restore(std::span<const std::byte> state) {
  if (auto error = refusal(false)) {
    return fail(std::move(*error));
  }
  try {
    auto checkpoint = actors::checkpoint_from_bytes(state, trained_->layout(), options_);
    if (!checkpoint) {
      return fail(std::move(checkpoint.error()));
    }
    const Inside inside(*this);
    const auto steps = checkpoint->progress.step;
    auto restored = ask<void>(actors::restore_run{std::move(*checkpoint), {}});
    if (restored) {
      board_->set_time(time_of(steps, options_.time_per_step, options_.start_time));
    }
    return restored;
  } catch (const std::exception& error) {
    return fail(ErrorCode::internal, error.what());
  }
}

Result<void> Trainer::Session::save(const std::string& name) {
  return folder_.file(name).and_then([this](const std::filesystem::path& path) {
    return save().and_then([&](const SavedState& state) -> Result<void> {
      const std::string_view text(reinterpret_cast<const char*>(state.data()), state.size());
      return model::write_file_atomically(path, text);
    });
  });
}

Result<void> Trainer::Session::restore(const std::string& name) {
  return folder_.file(name)
      .and_then([](const std::filesystem::path& path) { return model::read_file(path); })
      .and_then(
          [this](const std::string& text) { return restore(std::as_bytes(std::span(text))); });
}

}  // namespace nodezero
