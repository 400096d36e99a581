// SPDX-License-Identifier: BSD-3-Clause
#include "actors/embedding/text_sink.hpp"

namespace nodezero::actors {

void TextSink::add(const generated_piece& piece) {
  const std::lock_guard lock(mutex_);
  version_ = piece.envelope.version;
  for (const auto& token : piece.tokens) {
    tokens_.push_back(token.id);
  }
  changed_.notify_all();
}

void TextSink::end(std::optional<Error> failure) {
  const std::lock_guard lock(mutex_);
  if (!has_ended_) {
    has_ended_ = true;
    failure_ = std::move(failure);
  }
  changed_.notify_all();
}

bool TextSink::has_news() const {
  const std::lock_guard lock(mutex_);
  return has_ended_ || !tokens_.empty();
}

void TextSink::wait_for_news() const {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return has_ended_ || !tokens_.empty(); });
}

Result<std::optional<std::int32_t>> TextSink::take() {
  const std::lock_guard lock(mutex_);
  if (!tokens_.empty()) {
    const auto token = tokens_.front();
    tokens_.pop_front();
    return std::optional(token);
  }
  if (failure_) {
    return fail(*failure_);
  }
  return std::optional<std::int32_t>();
}

std::uint64_t TextSink::version() const {
  const std::lock_guard lock(mutex_);
  return version_;
}

}  // namespace nodezero::actors
