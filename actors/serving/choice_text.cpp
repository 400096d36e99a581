// SPDX-License-Identifier: BSD-3-Clause
#include "actors/serving/choice_text.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "formats/printable_text.hpp"

namespace nodezero::actors {
namespace {

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string name_of(const model::Tokenizer& tokenizer, std::int32_t id) {
  std::string text = tokenizer.decode(std::span(&id, 1));
  if (formats::well_formed(text) == text) {
    return text;
  }
  std::string name = "bytes:";
  for (const char byte : text) {
    fmt::format_to(std::back_inserter(name), "\\x{:02x}", static_cast<unsigned char>(byte));
  }
  return name;
}

}  // namespace

ChoiceText::ChoiceText(const model::Tokenizer& tokenizer, std::vector<std::string> stops)
    : tokenizer_(tokenizer), stops_(std::move(stops)) {}

void ChoiceText::add_prompt(const model::ScoredToken& token) {
  append(token);
}

void ChoiceText::add(const model::ScoredToken& token) {
  if (!is_generating_) {
    is_generating_ = true;
    generated_from_ = text_.size();
  }
  const std::size_t before = text_.size();
  append(token);
  look_for_stops(before);
}

void ChoiceText::finish() {
  if (is_finished_) {
    return;
  }
  is_finished_ = true;
  const std::size_t before = text_.size();
  if (!has_stopped_) {
    text_ += formats::well_formed(std::exchange(unfinished_, {}));
    look_for_stops(before);
  }
}

void ChoiceText::append(const model::ScoredToken& token) {
  TextToken entry{name_of(tokenizer_, token.id), token.log_probability, {}, characters_};
  for (const auto& [id, log_probability] : token.likeliest) {
    entry.likeliest.emplace_back(name_of(tokenizer_, id), log_probability);
  }
  tokens_.emplace_back(text_.size(), std::move(entry));
  unfinished_ += tokenizer_.decode(std::span(&token.id, 1));
  const std::size_t whole = unfinished_.size() - formats::unfinished_character(unfinished_);
  const auto more = formats::well_formed(std::string_view(unfinished_).substr(0, whole));
  unfinished_.erase(0, whole);
  text_ += more;
  characters_ += count_characters(more);
}

/// The first stop text that ends behind `from`.
void ChoiceText::look_for_stops(std::size_t from) {
  std::size_t first = std::string::npos;
  for (const auto& stop : stops_) {
    const std::size_t reach = from - std::min(from, stop.size() - 1);
    first = std::min(first, text_.find(stop, std::max(reach, generated_from_)));
  }
  if (first != std::string::npos) {
    has_stopped_ = true;
    text_.resize(first);
    unfinished_.clear();
    std::erase_if(tokens_, [&](const auto& entry) { return entry.first >= first; });
  }
}

/// Bytes at the end that a stop text may begin with.
std::size_t ChoiceText::held_back() const {
  if (has_stopped_ || is_finished_ || !is_generating_) {
    return 0;
  }
  const auto generated = std::string_view(text_).substr(generated_from_);
  std::size_t most = 0;
  for (const auto& stop : stops_) {
    for (std::size_t length = std::min(stop.size() - 1, generated.size()); length > most;
         --length) {
      if (generated.ends_with(std::string_view(stop).substr(0, length))) {
        most = length;
      }
    }
  }
  return most;
}

ChoiceText::Shown ChoiceText::take() {
  Shown shown;
  const std::size_t end = text_.size() - held_back();
  shown.text = text_.substr(shown_, end - shown_);
  shown_ = end;
  const bool is_all = has_stopped_ || is_finished_;
  while (!tokens_.empty() && (tokens_.front().first < end || is_all)) {
    shown.tokens.push_back(std::move(tokens_.front().second));
    tokens_.pop_front();
  }
  return shown;
}

}  // namespace nodezero::actors
