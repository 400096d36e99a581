// SPDX-License-Identifier: BSD-3-Clause

// What clients get to see of a completion.

#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "actors/serving/completion.hpp"

namespace nodezero::actors {

using Document = nlohmann::ordered_json;

namespace {

Document log_probabilities(const std::vector<TextToken>& tokens) {
  auto texts = Document::array(), values = Document::array(), likeliest = Document::array(),
       offsets = Document::array();
  for (const auto& token : tokens) {
    const auto value = token.log_probability ? Document(*token.log_probability) : Document();
    texts.push_back(token.text);
    values.push_back(value);
    offsets.push_back(token.offset);
    auto others = token.log_probability ? Document::object() : Document();
    for (const auto& [text, log_probability] : token.likeliest) {
      if (!others.contains(text)) {  // different tokens may have the same text
        others[text] = log_probability;
      }
    }
    if (token.log_probability && !token.likeliest.empty() && !others.contains(token.text)) {
      others[token.text] = value;
    }
    likeliest.push_back(std::move(others));
  }
  return {{"tokens", texts},
          {"token_logprobs", values},
          {"top_logprobs", likeliest},
          {"text_offset", offsets}};
}

}  // namespace

struct Completion::Json {
  static Document frame(const Completion& it) {
    return {{"id", fmt::format("cmpl-{:016x}", it.first_ticket_)},
            {"object", "text_completion"},
            {"created", it.created_},
            {"model", it.request_.model},
            {"system_fingerprint", fingerprint_of(it.version().value_or(VersionName{}))}};
  }

  /// What can be shown of a choice, and of its end.
  static Document choice(Completion& it, std::size_t index, ChoiceText::Shown shown) {
    auto& choice = it.choices_[index];
    Document document = {
        {"text", std::move(shown.text)},
        {"index", index},
        {"logprobs", it.request_.log_probabilities ? log_probabilities(shown.tokens) : Document()},
        {"finish_reason", choice.finish_reason ? Document(choice.finish_reason) : Document()}};
    if (choice.finish_reason) {
      document["seed"] = it.request_.sampling.seed + index;
      document["version"] =
          fingerprint_of({choice.version.value_or(it.version_.value_or(Envelope{})), it.digest_});
    }
    return document;
  }

  static Document usage(const Completion& it) {
    return {{"prompt_tokens", it.prompt_tokens()},
            {"completion_tokens", it.generated_tokens()},
            {"total_tokens", it.prompt_tokens() + it.generated_tokens()}};
  }

  static std::string event(const Document& document) { return "data: " + document.dump() + "\n\n"; }
};

std::string Completion::take_events() {
  std::string events;
  for (std::size_t i = 0; i < choices_.size(); ++i) {
    auto& choice = choices_[i];
    auto shown = choice.text.take();
    const bool tells_end = choice.finish_reason != nullptr && !choice.is_end_told;
    if (shown.text.empty() && shown.tokens.empty() && !tells_end) {
      continue;
    }
    choice.is_end_told = choice.is_end_told || tells_end;
    auto document = Json::frame(*this);
    document["choices"] = Document::array({Json::choice(*this, i, std::move(shown))});
    if (request_.include_usage) {
      document["usage"] = nullptr;
    }
    events += Json::event(document);
  }
  if (!is_done() || std::exchange(is_stream_ended_, true)) {
    return events;
  }
  if (failure_) {
    return events + "data: " + failure_->to_json() + "\n\n";
  }
  if (request_.include_usage) {
    auto document = Json::frame(*this);
    document["choices"] = Document::array();
    document["usage"] = Json::usage(*this);
    events += Json::event(document);
  }
  return events + "data: [DONE]\n\n";
}

std::string Completion::to_json() {
  auto document = Json::frame(*this);
  auto choices = Document::array();
  for (std::size_t i = 0; i < choices_.size(); ++i) {
    choices.push_back(Json::choice(*this, i, choices_[i].text.take()));
  }
  document["choices"] = std::move(choices);
  document["usage"] = Json::usage(*this);
  return document.dump();
}

}  // namespace nodezero::actors
