// SPDX-License-Identifier: BSD-3-Clause
#include "actors/embedding/keeper.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "actors/embedding/host_batches.hpp"

namespace nodezero::actors {
namespace {

const Error is_closed{ErrorCode::closed, "the trainer is closed"};

}  // namespace

keeper::keeper(caf::actor_config& config, KeeperSettings settings, RunActors run)
    : recorded(config), settings_(std::move(settings)) {
  state_.run = std::move(run);
}

keeper::behavior_type keeper::make_behavior() {
  set_down_handler([this](const caf::down_msg& down) { someone_is_down(down); });
  train({}, false);
  return {
      [this](const submit_batch& message) { return take(message); },
      [this](const ask_model& message) { return ask(message); },
      [this](const ask_status&) { return settings_.board->status(); },
      [this](const ask_weights& question) { ask(question); },
      [this](const ask_for_text& message) { return ask(message); },
      [this](const cancel_text& message) { cancel(message); },
      [this](const ask_text& message) {
        begin_text(message.ticket, message.request, {message.sink, {}});
      },
      [this](const generated_piece& piece) { hear(piece); },
      [this](const abandon_request& message) {
        cancel_texts([&](std::uint64_t ticket, const Text&) { return ticket == message.ticket; });
      },
      [this](const save_run& message) { change(message); },
      [this](const restore_run& message) { change(message); },
      [this](const close_run& message) { close(message); },
  };
}

// -- the host that is an actor itself ------------------------------------------------------------

caf::result<batch_taken> keeper::take(const submit_batch& message) {
  const auto& queue = settings_.run.submitted;
  if (!queue) {
    return make_error({ErrorCode::wrong_mode, "this learner's batches come from a function"});
  }
  if (const auto error = check_batch(*settings_.model, message.batch)) {
    return make_error(*error);
  }
  if (const auto pushed = queue->push(message.batch); !pushed) {
    return make_error(pushed.error());
  }
  return batch_taken{};
}

caf::result<model_answer> keeper::ask(const ask_model& message) {
  if (const auto error = check_input(*settings_.model, message.input)) {
    return make_error(*error);
  }
  auto promise = make_response_promise<model_answer>();
  ask({message.input, [promise](const Result<Prediction<AnyValue>>& answer) mutable {
         if (answer) {
           promise.deliver(model_answer{answer->version, answer->output});
         } else {
           promise.deliver(make_error(answer.error()));
         }
       }});
  return promise;
}

caf::result<text_end> keeper::ask(const ask_for_text& message) {
  auto question = question_of(*settings_.model, message.prompt);
  if (!question) {
    return make_error(question.error());
  }
  const auto asker = caf::actor_cast<reader_actor>(current_sender());
  if (!asker) {
    return make_error({ErrorCode::invalid_argument, "a text needs an actor that reads it"});
  }
  auto promise = make_response_promise<text_end>();
  monitor(asker);
  begin_text(++state_.tickets, std::move(*question),
             {Reader{asker, message.number, 0, promise}, {}});
  return promise;
}

void keeper::cancel(const cancel_text& message) {
  cancel_texts([&](std::uint64_t, const Text& text) {
    const auto* reader = std::get_if<Reader>(&text.to);
    return reader != nullptr && reader->number == message.number &&
           reader->actor.address() == caf::actor_cast<caf::actor_addr>(current_sender());
  });
}

// -- questions -----------------------------------------------------------------------------------

void keeper::ask(Question question) {
  if (in<closed>()) {
    question.settle(fail(is_closed));
    return;
  }
  state_.waiting.push_back(std::move(question));
  ask_the_run();
}

/// No more at a time than can be computed, so that a run that is to end answers only those.
void keeper::ask_the_run() {
  while (!in<ending>() && !in<closed>() && !state_.waiting.empty() &&
         state_.asked.size() < state_.run.workers.lanes.size()) {
    const std::uint64_t number = ++state_.questions;
    generate question;
    question.input = state_.waiting.front().input;
    state_.asked.emplace(number, std::move(state_.waiting.front()));
    state_.waiting.pop_front();
    request(state_.run.lifecycle, caf::infinite, std::move(question))
        .then(
            [this, number](const generated& answered) {
              answer(number, Prediction<AnyValue>{answered.envelope.version, answered.output});
            },
            [this, number](const caf::error& error) { answer(number, fail(to_error(error))); });
  }
}

void keeper::answer(std::uint64_t number, const Result<Prediction<AnyValue>>& answer) {
  if (const auto question = state_.asked.extract(number)) {
    question.mapped().settle(answer);
  }
  ask_the_run();
  go_on();
}

// -- texts ---------------------------------------------------------------------------------------

void keeper::begin_text(std::uint64_t ticket, generate request, Text text) {
  if (in<closed>()) {
    end(text, is_closed);
    return;
  }
  text.gate = state_.run.lifecycle;
  state_.texts.emplace(ticket, std::move(text));
  request.options.ticket = ticket;
  request.options.listener = caf::actor_cast<listener_actor>(caf::strong_actor_ptr(ctrl()));
  this->request(state_.run.lifecycle, caf::infinite, std::move(request))
      .then([this, ticket](const generated&) { end_text(ticket, std::nullopt); },
            [this, ticket](const caf::error& error) { end_text(ticket, to_error(error)); });
}

void keeper::hear(const generated_piece& piece) {
  const auto text = state_.texts.find(piece.ticket);
  if (text == state_.texts.end()) {
    return;
  }
  if (auto* const reader = std::get_if<Reader>(&text->second.to)) {
    text_piece news{reader->number, piece.envelope.version, {}};
    for (const auto& token : piece.tokens) {
      news.tokens.push_back(token.id);
    }
    reader->told += news.tokens.size();
    send(reader->actor, std::move(news));
  } else {
    std::get<std::shared_ptr<TextSink>>(text->second.to)->add(piece);
  }
}

void keeper::end_text(std::uint64_t ticket, std::optional<Error> failure) {
  if (auto text = state_.texts.extract(ticket)) {
    end(text.mapped(), std::move(failure));
    stop_answering_in_vain();
  }
}

void keeper::end(Text& text, std::optional<Error> failure) {
  auto* const reader = std::get_if<Reader>(&text.to);
  if (reader == nullptr) {
    std::get<std::shared_ptr<TextSink>>(text.to)->end(std::move(failure));
    return;
  }
  demonitor(reader->actor.address());
  if (failure) {
    reader->promise.deliver(make_error(*failure));
  } else {
    reader->promise.deliver(text_end{reader->number, reader->told});
  }
}

/// Nobody wants the rest of the texts that fulfil the condition; their ends come soon.
template <class Condition>
void keeper::cancel_texts(Condition condition) {
  for (const auto& [ticket, text] : state_.texts) {
    if (condition(ticket, text)) {
      send(text.gate, abandon_request{ticket});
    }
  }
}

/// Ends the replaced runs that nobody waits for.
void keeper::stop_answering_in_vain() {
  std::erase_if(state_.replaced, [this](const RunActors& run) {
    const bool is_asked = std::ranges::any_of(
        state_.texts, [&](const auto& text) { return text.second.gate == run.lifecycle; });
    if (!is_asked) {
      run.stop_answering();
    }
    return !is_asked;
  });
}

// -- one run after the other ---------------------------------------------------------------------

/// Has the run train from `progress` on.
void keeper::train(const model::TrainingProgress& progress, bool restored) {
  state_.end.reset();
  monitor(state_.run.driver);
  monitor(state_.run.inference);
  settings_.board->run_begins(progress, restored);
  if (settings_.run.submitted) {
    settings_.run.submitted->begin(caf::actor_cast<caf::actor>(state_.run.corpus), restored);
  }
  request(state_.run.driver, caf::infinite, run_all{})
      .then([this](const run_ended& end) { run_has_ended(end); },
            [this](const caf::error& error) {
              run_has_ended({false, to_error(error), {}});
            });
  enter(training{});
}

/// Replaces the run. If the new one cannot be spawned, the old one stays.
void keeper::begin(const model::Checkpoint& from, bool restored) {
  RunSettings settings = settings_.run;
  settings.resume = from;
  auto run = spawn_run(home_system(), settings, state_.run.workers, settings_.others.get());
  state_.run.stop_training();
  state_.replaced.push_back(std::exchange(state_.run, std::move(run)));
  stop_answering_in_vain();
  train(from.progress, restored);
}

template <class Message>
void keeper::change(const Message& message) {
  if (in<closed>()) {
    message.settle(fail(is_closed));
    return;
  }
  state_.changes.push_back(message);
  end_run();
  go_on();
}

void keeper::end_run() {
  if (in<training>()) {
    request(state_.run.lifecycle, caf::infinite, stop{})
        .then([](const stopped&) {}, [](const caf::error&) {});  // the driver reports the end
  }
  if (!in<ending>()) {
    enter(ending{});
  }
}

void keeper::run_has_ended(run_ended end) {
  if (in<closed>() || state_.end) {
    return;
  }
  state_.end = std::move(end);
  if (state_.end->reason) {
    over(Progress::failed);
  } else if (!state_.end->was_stopped) {
    over(Progress::finished);
  }
  enter(ending{});
  go_on();
}

/// No more is trained until somebody restores.
void keeper::over(Progress how) {
  state_.end->was_stopped = false;
  settings_.board->run_ends(how, how == Progress::failed ? to_string(*state_.end->reason) : "");
  if (settings_.run.submitted) {
    settings_.run.submitted->end();
  }
}

/// Once the run has ended and has answered what it was asked, makes the changes that waited for
/// that, and then trains or rests.
void keeper::go_on() {
  if (!in<ending>() || !state_.end || !state_.asked.empty()) {
    return;
  }
  while (in<ending>() && !state_.changes.empty()) {
    const Change next = std::move(state_.changes.front());
    state_.changes.pop_front();
    std::visit([this](const auto& change) { make(change); }, next);
  }
  if (in<training>() && !state_.changes.empty()) {
    end_run();
    return;
  }
  if (in<ending>() && state_.end->was_stopped) {
    try {
      begin(state_.end->checkpoint, false);
    } catch (const std::exception& error) {
      state_.end->reason =
          Error{ErrorCode::internal, std::string("training could not go on: ") + error.what()};
      over(Progress::failed);
    }
  }
  if (in<ending>()) {
    state_.end->checkpoint.weights ? enter(resting{}) : enter(failed{});
  }
  ask_the_run();
}

void keeper::make(const save_run& change) {
  if (state_.end->checkpoint.weights) {
    change.settle(state_.end->checkpoint);
  } else {
    change.settle(
        fail(state_.end->reason.value_or(Error{ErrorCode::failed, "no weights are left"})));
  }
}

void keeper::make(const restore_run& change) {
  try {
    begin(change.state, true);
    change.settle({});
  } catch (const std::exception& error) {
    change.settle(fail(ErrorCode::internal, error.what()));
  }
}

// -- the end -------------------------------------------------------------------------------------

void keeper::close(const close_run& message) {
  state_.closers.push_back(message.settle);
  if (in<closed>()) {
    return;
  }
  leave();
  state_.run.leave_workers();
  stop_answering_in_vain();
  for (const auto& worker : state_.run.workers.all()) {
    monitor(worker);
    ++state_.workers_left;
  }
  state_.run.workers.send_exit();
}

/// Everybody who waits for something is told that the trainer is closed.
void keeper::leave() {
  enter(closed{});
  settings_.board->close();
  if (settings_.run.submitted) {
    settings_.run.submitted->close();
  }
  for (auto& [number, question] : std::exchange(state_.asked, {})) {
    question.settle(fail(is_closed));
  }
  for (auto& question : std::exchange(state_.waiting, {})) {
    question.settle(fail(is_closed));
  }
  for (auto& [ticket, text] : std::exchange(state_.texts, {})) {
    end(text, is_closed);
  }
  for (auto& change : std::exchange(state_.changes, {})) {
    std::visit([](const auto& one) { one.settle(fail(is_closed)); }, change);
  }
}

void keeper::someone_is_down(const caf::down_msg& down) {
  const auto is = [&](const auto& actor) { return actor && actor.address() == down.source; };
  if (in<closed>()) {
    const auto workers = state_.run.workers.all();
    if (std::ranges::any_of(workers, is) && --state_.workers_left == 0) {
      for (const auto& settle : std::exchange(state_.closers, {})) {
        settle({});
      }
      quit();
    }
  } else if (is(state_.run.driver)) {
    run_has_ended({false, to_error(down.reason), {}});
  } else if (is(state_.run.inference)) {
    // Nobody answers what it was asked.
    for (auto& [number, question] : std::exchange(state_.asked, {})) {
      question.settle(fail(to_error(down.reason)));
    }
    go_on();
  }
  cancel_texts([&](std::uint64_t, const Text& text) {
    const auto* reader = std::get_if<Reader>(&text.to);
    return reader != nullptr && is(reader->actor);
  });
}

void keeper::on_exit() {
  if (!in<closed>()) {
    if (!state_.end) {
      settings_.board->run_ends(Progress::failed, "the training was ended from outside");
    }
    leave();
    stop_answering_in_vain();
    state_.run.send_exit();
  }
  state_.run = {};
  state_.replaced.clear();
  state_.closers.clear();
}

// -- for checkers of schedules -------------------------------------------------------------------

std::uint64_t keeper::state_digest(const runtime::ActorKeys& keys) const {
  return runtime::fingerprint(keys, state_);
}

const char* keeper::state_name() const {
  return std::visit([](const auto& phase) { return phase.name; }, state_.phase);
}

// -- beginning -----------------------------------------------------------------------------------

keeper_actor spawn_keeper(caf::actor_system& system, runtime::Scheduling scheduling,
                          KeeperSettings settings) {
  auto workers = spawn_workers(system, scheduling, settings.run, *settings.board);
  // The observer calls the board, and may live longer than the keeper.
  caf::actor_cast<caf::abstract_actor*>(workers.observer)->attach_functor([board = settings.board] {
  });
  try {
    return spawn_keeper(system, std::move(settings), workers);
  } catch (...) {
    workers.send_exit();
    throw;
  }
}

keeper_actor spawn_keeper(caf::actor_system& system, KeeperSettings settings, Workers workers) {
  auto run = spawn_run(system, settings.run, std::move(workers), settings.others.get());
  return system.spawn<keeper>(std::move(settings), std::move(run));
}

}  // namespace nodezero::actors
