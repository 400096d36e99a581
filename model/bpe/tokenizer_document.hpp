// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace nodezero::model {

/// The parts of a tokenizer.json that differ between tokenizers.
struct TokenizerDocument {
  using Json = nlohmann::ordered_json;

  Json added_tokens = Json::array();
  Json pre_tokenizer, post_processor, decoder;
  bool ignore_merges = false;
  Json::object_t vocabulary;
  Json merges = Json::array();
};

/// The whole, with all keys that Hugging Face's tokenizers library writes, and a line break.
std::string to_text(TokenizerDocument&& document);

/// A pre-tokenizer, post-processor or decoder that turns bytes into characters and back.
nlohmann::ordered_json byte_level(bool add_prefix_space, bool trim_offsets, bool use_regex);

}  // namespace nodezero::model
