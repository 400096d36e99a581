// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/gpt2/generation.hpp"
#include "model/text/tokenizer.hpp"

namespace nodezero::actors {

/// A token as clients see it.
struct TextToken {
  std::string text;  ///< "bytes:\xE2\x82" where it is not a text by itself
  std::optional<double> log_probability;
  std::vector<std::pair<std::string, double>> likeliest;
  std::size_t offset = 0;  ///< characters of the choice's text before it
};

/// Makes text of a choice's tokens as they come. A character is shown when all its bytes are there,
/// and what could be the beginning of a stop text when it has turned out not to be one. Bytes that
/// are not UTF-8 become U+FFFD, the same in a stream as in one piece.
class ChoiceText {
 public:
  ChoiceText(const model::Tokenizer& tokenizer, std::vector<std::string> stops);

  /// A token of the prompt, which is to be shown; stop texts are not looked for.
  void add_prompt(const model::ScoredToken& token);
  /// A generated token. None may follow once the text has stopped.
  void add(const model::ScoredToken& token);
  /// Nothing more comes: whatever is held back is shown.
  void finish();

  /// A stop text has come. It is not part of the text.
  bool has_stopped() const { return has_stopped_; }

  struct Shown {
    std::string text;
    std::vector<TextToken> tokens;
  };
  /// What can be shown since the last call.
  Shown take();

 private:
  void append(const model::ScoredToken& token);
  void look_for_stops(std::size_t from);
  std::size_t held_back() const;

  model::Tokenizer tokenizer_;
  std::vector<std::string> stops_;
  std::string text_;            ///< all of it, but for the bytes of a character that is not whole
  std::string unfinished_;      ///< those bytes
  std::size_t characters_ = 0;  ///< of text_
  std::size_t shown_ = 0;       ///< bytes of text_
  std::size_t generated_from_ = 0;
  bool is_generating_ = false, has_stopped_ = false, is_finished_ = false;
  std::deque<std::pair<std::size_t, TextToken>> tokens_;  ///< not shown, with where they begin
};

}  // namespace nodezero::actors
