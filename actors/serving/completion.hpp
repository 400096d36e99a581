// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/messages.hpp"
#include "actors/serving/choice_text.hpp"
#include "actors/serving/completion_request.hpp"

namespace nodezero::actors {

/// An answer to POST /v1/completions while its choices are being generated: takes what the
/// lifecycle and inference say about them, and gives what is to be sent. It knows no connection.
class Completion {
 public:
  /// Choice i has the ticket first_ticket + i.
  Completion(std::shared_ptr<const ServedModel> model, CompletionRequest request,
             std::uint64_t first_ticket, std::int64_t created);

  /// What to ask the lifecycle for, one for each choice.
  std::vector<generate> questions(const listener_actor& listener) const;

  /// Of the weights that all choices are asked from.
  void set_digest(std::string digest) { digest_ = std::move(digest); }

  bool has(std::uint64_t ticket) const {
    return ticket >= first_ticket_ && ticket - first_ticket_ < choices_.size();
  }
  // What is said about a choice. Of one that has ended already nothing is heard.
  void hear(const generated_piece& piece);
  void hear_end(std::uint64_t ticket, const Envelope& envelope);
  void hear_failure(std::uint64_t ticket, const Error& error);
  /// Ends all choices as they are.
  void cut();

  /// Tickets of choices that have ended before all was generated; each once.
  std::vector<std::uint64_t> take_abandoned() { return std::exchange(abandoned_, {}); }
  /// Tickets of choices that have not ended.
  std::vector<std::uint64_t> open() const;

  bool is_stream() const { return request_.stream; }
  bool is_done() const { return ended_ == choices_.size() || failure_; }
  /// If set, the answer is this error, or it ends a stream that has begun.
  const std::optional<ApiError>& failure() const { return failure_; }
  /// Of the weights that answer; none until that is known.
  std::optional<VersionName> version() const {
    return version_ ? std::optional(VersionName{*version_, digest_}) : std::nullopt;
  }
  const CompletionRequest& request() const { return request_; }
  std::size_t generated_tokens() const;
  std::size_t prompt_tokens() const;
  std::size_t choices() const { return choices_.size(); }

  /// Events for what has come since the last call, of a stream. The last ones end it.
  std::string take_events();
  /// The whole answer, once it is done.
  std::string to_json();

 private:
  struct Choice {
    ChoiceText text;
    bool is_prompt_shown = false;
    std::size_t tokens = 0;
    std::optional<Envelope> version;
    const char* finish_reason = nullptr;  ///< null: it has not ended
    bool is_end_told = false;
  };
  struct Json;

  std::size_t prompt_of(std::size_t choice) const { return choice / request_.choices; }
  bool scores_prompt() const { return request_.echo && request_.log_probabilities; }
  Choice* open_choice(std::uint64_t ticket);
  void show_prompt(Choice& choice, std::size_t index);
  void end(Choice& choice, const char* reason);
  void note_version(Choice& choice, const Envelope& envelope);

  std::shared_ptr<const ServedModel> model_;
  CompletionRequest request_;
  std::uint64_t first_ticket_;
  std::int64_t created_;
  std::string digest_;
  std::vector<Choice> choices_;
  std::size_t ended_ = 0;
  std::optional<Envelope> version_;
  std::optional<ApiError> failure_;
  std::vector<std::uint64_t> abandoned_;
  bool is_stream_ended_ = false;
};

}  // namespace nodezero::actors
