// SPDX-License-Identifier: BSD-3-Clause
#include "nodezero/trainer.hpp"

#include "actors/embedding/session.hpp"
#include "nodezero/language_model.hpp"
#include "runtime/floating_point_mode.hpp"

namespace nodezero {
namespace {

Error moved_from() {
  return {ErrorCode::closed, "the trainer was moved from"};
}

Error out_of_reach() {
  return {ErrorCode::closed,
          "the trainer's threads stayed in the process that was forked: create another one here"};
}

}  // namespace

struct TokenStream::State {
  std::shared_ptr<Trainer::Session> session;
  std::shared_ptr<actors::TextSink> text;
  std::uint64_t ticket = 0;
  bool has_ended = false;  ///< or was cancelled
};

Result<Trainer> Trainer::create(std::shared_ptr<const AnyTrainable> model, TrainerOptions options) {
  const runtime::FloatingPointMode mode;
  auto session = Session::create(std::move(model), std::move(options));
  if (!session) {
    return tl::unexpected<Error>(std::move(session.error()));
  }
  return Trainer(std::move(*session));
}

Trainer::Trainer(std::shared_ptr<Session> session) : session_(std::move(session)) {}
Trainer::Trainer(Trainer&&) noexcept = default;

Trainer& Trainer::operator=(Trainer&& other) noexcept {
  std::swap(session_, other.session_);
  return *this;
}

Trainer::~Trainer() {
  if (!session_) {
    return;
  }
  const runtime::FloatingPointMode mode;
  if (session_->is_within_reach()) {
    session_->let_go();
  } else {
    new std::shared_ptr<Session>(std::move(session_));  // its end would wait for the threads
  }
}

#define NODEZERO_CALL(expression)                                              \
  const auto session = session_; /* lives on if a callback ends the trainer */ \
  if (!session) {                                                              \
    return tl::unexpected<Error>(moved_from());                                \
  }                                                                            \
  if (!session->is_within_reach()) {                                           \
    return tl::unexpected<Error>(out_of_reach());                              \
  }                                                                            \
  const runtime::FloatingPointMode mode; /* a host may have set another */     \
  actors::MemoryReserve::refill();                                             \
  return session->expression

Result<void> Trainer::submit_value(AnyValue batch) {
  NODEZERO_CALL(submit(std::move(batch)));
}
Result<Status> Trainer::step(std::uint64_t budget) {
  NODEZERO_CALL(step(budget));
}
Result<Status> Trainer::advance_to(double time) {
  NODEZERO_CALL(advance_to(time));
}
Result<Status> Trainer::wait_for_steps(std::uint64_t steps, std::chrono::milliseconds timeout) {
  NODEZERO_CALL(wait_for_steps(steps, timeout));
}
Result<Prediction<AnyValue>> Trainer::predict_value(AnyValue input) {
  NODEZERO_CALL(predict(std::move(input)));
}
Result<SavedState> Trainer::save() {
  NODEZERO_CALL(save());
}
Result<void> Trainer::save(const std::string& name) {
  NODEZERO_CALL(save(name));
}
Result<void> Trainer::restore(std::span<const std::byte> state) {
  NODEZERO_CALL(restore(state));
}
Result<void> Trainer::restore(const std::string& name) {
  NODEZERO_CALL(restore(name));
}
Result<void> Trainer::close() {
  NODEZERO_CALL(close());
}

Result<TokenStream> Trainer::generate(const Prompt& prompt) {
  std::uint64_t ticket = 0;
  NODEZERO_CALL(begin_text(prompt, ticket).map([&](std::shared_ptr<actors::TextSink> text) {
    return TokenStream(std::unique_ptr<TokenStream::State>(
        new TokenStream::State{session, std::move(text), ticket}));
  }));
}

#undef NODEZERO_CALL

// -- texts ---------------------------------------------------------------------------------------

TokenStream::TokenStream(std::unique_ptr<State> state) : state_(std::move(state)) {}
TokenStream::TokenStream(TokenStream&&) noexcept = default;

TokenStream& TokenStream::operator=(TokenStream&& other) noexcept {
  cancel();
  state_ = std::move(other.state_);
  return *this;
}

TokenStream::~TokenStream() {
  cancel();
}

Result<std::optional<std::int32_t>> TokenStream::next() {
  if (!state_) {
    return fail(ErrorCode::closed, "the text was moved from");
  }
  if (!state_->session->is_within_reach()) {
    return fail(out_of_reach());
  }
  const runtime::FloatingPointMode mode;
  actors::MemoryReserve::refill();
  auto token = state_->session->next_token(*state_->text);
  state_->has_ended = state_->has_ended || (token && !*token);
  return token;
}

void TokenStream::cancel() {
  if (!state_ || std::exchange(state_->has_ended, true) || !state_->session->is_within_reach()) {
    return;
  }
  const runtime::FloatingPointMode mode;
  state_->session->cancel_text(state_->ticket);
}

std::uint64_t TokenStream::version() const {
  return state_ ? state_->text->version() : 0;
}

Status Trainer::status() const {
  const runtime::FloatingPointMode mode;
  const auto session = session_;
  Status status;
  if (session && session->is_within_reach()) {
    status = session->status();
  } else if (session) {
    status.progress = Progress::failed;
    status.failure = out_of_reach().message;
  }
  return status;
}

}  // namespace nodezero
