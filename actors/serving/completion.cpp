// SPDX-License-Identifier: BSD-3-Clause
#include "actors/serving/completion.hpp"

#include <algorithm>
#include <utility>

#include "actors/errors.hpp"

namespace nodezero::actors {

Completion::Completion(std::shared_ptr<const ServedModel> model, CompletionRequest request,
                       std::uint64_t first_ticket, std::int64_t created)
    : model_(std::move(model)),
      request_(std::move(request)),
      first_ticket_(first_ticket),
      created_(created) {
  const std::size_t count = request_.prompts.size() * request_.choices;
  for (std::size_t i = 0; i < count; ++i) {
    choices_.push_back({.text = ChoiceText(model_->tokenizer, request_.stops),
                        .is_prompt_shown = !request_.echo,
                        .version = {}});
  }
}

std::vector<generate> Completion::questions(const listener_actor& listener) const {
  std::vector<generate> questions;
  for (std::size_t i = 0; i < choices_.size(); ++i) {
    generate question;
    question.prompt = request_.prompts[prompt_of(i)];
    question.tokens = request_.tokens;
    question.sampling = request_.sampling;
    question.sampling.seed += i;
    question.until_stop = true;
    auto& options = question.options;
    options.details.end_token = model_->tokenizer.end_token();
    options.details.log_probabilities = request_.log_probabilities.has_value();
    options.details.likeliest = request_.log_probabilities.value_or(0);
    options.details.of_prompt = scores_prompt();
    options.details.bias = request_.bias;
    options.listener = listener;
    options.ticket = first_ticket_ + i;
    options.policy = request_.policy;
    options.names_digest = digest_.empty();
    if (i == 0) {
      options.followers = static_cast<std::uint32_t>(choices_.size() - 1);
    } else {
      options.follows = first_ticket_;
    }
    questions.push_back(std::move(question));
  }
  return questions;
}

void Completion::hear(const generated_piece& piece) {
  Choice* const choice = open_choice(piece.ticket);
  if (choice == nullptr) {
    return;
  }
  note_version(*choice, piece.envelope);
  if (!piece.digest.empty()) {
    digest_ = piece.digest;
  }
  for (const auto& token : piece.prompt) {
    choice->text.add_prompt(token);
    choice->is_prompt_shown = true;
  }
  show_prompt(*choice, piece.ticket - first_ticket_);
  for (const auto& token : piece.tokens) {
    ++choice->tokens;
    choice->text.add(token);
    if (choice->text.has_stopped()) {
      abandoned_.push_back(piece.ticket);
      end(*choice, "stop");
      return;
    }
    if (token.id == model_->tokenizer.end_token()) {
      end(*choice, "stop");
      return;
    }
  }
}

void Completion::hear_end(std::uint64_t ticket, const Envelope& envelope) {
  if (Choice* const choice = open_choice(ticket)) {
    note_version(*choice, envelope);
    show_prompt(*choice, ticket - first_ticket_);
    end(*choice, "length");
  }
}

void Completion::hear_failure(std::uint64_t ticket, const Error& error) {
  if (open_choice(ticket) != nullptr && !failure_) {
    failure_ = api_error(error);
    std::erase_if(abandoned_, [&](std::uint64_t other) { return other == ticket; });
    for (const auto other : open()) {
      if (other != ticket) {
        abandoned_.push_back(other);
      }
    }
  }
}

void Completion::cut() {
  for (const auto ticket : open()) {
    auto& choice = choices_[ticket - first_ticket_];
    abandoned_.push_back(ticket);
    end(choice, "length");
  }
}

std::vector<std::uint64_t> Completion::open() const {
  std::vector<std::uint64_t> tickets;
  for (std::size_t i = 0; i < choices_.size(); ++i) {
    if (choices_[i].finish_reason == nullptr) {
      tickets.push_back(first_ticket_ + i);
    }
  }
  return tickets;
}

std::size_t Completion::generated_tokens() const {
  std::size_t tokens = 0;
  for (const auto& choice : choices_) {
    tokens += choice.tokens;
  }
  return tokens;
}

std::size_t Completion::prompt_tokens() const {
  std::size_t tokens = 0;
  for (const auto& prompt : request_.prompts) {
    tokens += prompt.size();
  }
  return tokens;
}

Completion::Choice* Completion::open_choice(std::uint64_t ticket) {
  if (!has(ticket) || failure_) {
    return nullptr;
  }
  auto& choice = choices_[ticket - first_ticket_];
  return choice.finish_reason == nullptr ? &choice : nullptr;
}

/// The prompt in front of what is generated, where nobody wants to know what the model thinks of
/// it.
void Completion::show_prompt(Choice& choice, std::size_t index) {
  if (!choice.is_prompt_shown) {
    choice.is_prompt_shown = true;
    for (const auto id : request_.prompts[prompt_of(index)]) {
      choice.text.add_prompt({id});
    }
  }
}

void Completion::end(Choice& choice, const char* reason) {
  choice.text.finish();
  choice.finish_reason = choice.text.has_stopped() ? "stop" : reason;
  ++ended_;
}

void Completion::note_version(Choice& choice, const Envelope& envelope) {
  choice.version = envelope;
  version_ = version_.value_or(envelope);
}

}  // namespace nodezero::actors
