// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>

#include "actors/messages.hpp"
#include "nodezero/error.hpp"
#include "runtime/fingerprint.hpp"

namespace nodezero::actors {

/// The tokens of a text on their way from the keeper to the host. For any thread.
class TextSink {
 public:
  void add(const generated_piece& piece);
  /// Whichever end is told first counts.
  void end(std::optional<Error> failure);

  /// Whether take() has something to say.
  bool has_news() const;
  void wait_for_news() const;
  /// The next token, nothing at the end of the text, or why it ended early. After news.
  Result<std::optional<std::int32_t>> take();
  /// Of the weights; 0 before the first token.
  std::uint64_t version() const;

 private:
  mutable std::mutex mutex_;  ///< guards what follows
  mutable std::condition_variable changed_;
  std::uint64_t version_ = 0;
  std::deque<std::int32_t> tokens_;
  bool has_ended_ = false;
  std::optional<Error> failure_;
};

}  // namespace nodezero::actors

/// Whom tokens are told is the host's affair.
template <>
struct nodezero::runtime::FingerprintOf<nodezero::actors::TextSink> {
  static void add(ContentFingerprint&, const actors::TextSink&) {}
};
