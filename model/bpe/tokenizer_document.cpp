// SPDX-License-Identifier: BSD-3-Clause

// tokenizer.json: what all have in common, and those with merges.
#include "model/bpe/tokenizer_document.hpp"

#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "model/bpe/byte_symbols.hpp"
#include "model/bpe/token_list.hpp"
#include "model/bpe/vocabulary_files.hpp"

namespace nodezero::model {
namespace {

using Document = nlohmann::json;
using Ordered = nlohmann::ordered_json;

tl::unexpected<Error> unsupported(std::string what) {
  return fail(ErrorCode::malformed, std::move(what) +
                                        ", which is not supported; only GPT-2's "
                                        "byte-level BPE is");
}

Document member(const Document& object, const char* key) {
  return object.is_object() ? object.value(key, Document()) : Document();
}

/// Whether a value is absent, or does nothing.
bool does_nothing(const Document& value) {
  return value.is_null() || value == false || value == 0.0 || value == "";
}

Result<void> check_form(const Document& json) {
  if (!member(json, "normalizer").is_null()) {
    return unsupported("has a normalizer");
  }
  const auto before = member(json, "pre_tokenizer");
  if (member(before, "type") != "ByteLevel" || member(before, "add_prefix_space") != false ||
      (before.contains("use_regex") && before["use_regex"] != true)) {
    return unsupported(
        "has a pre-tokenizer other than ByteLevel with its regular expression and "
        "without a space in front");
  }
  const auto model = member(json, "model");
  if (model.contains("type") && model["type"] != "BPE") {
    return unsupported(fmt::format("has a model of type {}", model["type"].dump()));
  }
  for (const char* key :
       {"dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"}) {
    if (!does_nothing(member(model, key))) {
      return unsupported(fmt::format("has {} {}", key, model[key].dump()));
    }
  }
  return {};
}

Result<void> add_vocabulary(const Document& json, TokenList& list) {
  // Tokens that have been added may stand in the vocabulary, too, and need not be symbols there.
  const auto added = member(json, "added_tokens");
  std::unordered_map<std::string, Document> by_text;
  for (const auto& token : added.is_array() ? added : Document::array()) {
    const auto text = member(token, "content");
    if (!text.is_string()) {
      return fail(ErrorCode::malformed, "has an added token without content; save it again");
    }
    by_text[text.get<std::string>()] = token;
  }
  for (const auto& [symbols, id] : json["model"]["vocab"].items()) {
    if (by_text.contains(symbols)) {
      continue;
    }
    if (auto done = list.add(symbols, id); !done) {
      return done;
    }
  }
  for (const auto& [text, token] : by_text) {
    const auto role = member(token, "special") == true ? Token::Role::special : Token::Role::added;
    if (auto done = list.add_special(text, member(token, "id"), role); !done) {
      return done;
    }
  }
  return {};
}

/// "a b" or ["a", "b"].
std::optional<std::pair<std::string, std::string>> parts_of(const Document& merge) {
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
    return std::pair(merge[0].get<std::string>(), merge[1].get<std::string>());
  }
  if (merge.is_string()) {
    const auto text = merge.get<std::string>();
    const auto space = text.find(' ');
    if (space != std::string::npos) {
      return std::pair(text.substr(0, space), text.substr(space + 1));
    }
  }
  return std::nullopt;
}

}  // namespace

std::string to_text(TokenizerDocument&& document) {
  const Ordered json{{"version", "1.0"},
                     {"truncation", nullptr},
                     {"padding", nullptr},
                     {"added_tokens", std::move(document.added_tokens)},
                     {"normalizer", nullptr},
                     {"pre_tokenizer", std::move(document.pre_tokenizer)},
                     {"post_processor", std::move(document.post_processor)},
                     {"decoder", std::move(document.decoder)},
                     {"model",
                      {{"type", "BPE"},
                       {"dropout", nullptr},
                       {"unk_token", nullptr},
                       {"continuing_subword_prefix", nullptr},
                       {"end_of_word_suffix", nullptr},
                       {"fuse_unk", false},
                       {"byte_fallback", false},
                       {"ignore_merges", document.ignore_merges},
                       {"vocab", std::move(document.vocabulary)},
                       {"merges", std::move(document.merges)}}}};
  return json.dump() + "\n";
}

Ordered byte_level(bool add_prefix_space, bool trim_offsets, bool use_regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", add_prefix_space},
          {"trim_offsets", trim_offsets},
          {"use_regex", use_regex}};
}

Result<BytePairs> byte_pairs_from_json(const Document& json) {
  if (auto checked = check_form(json); !checked) {
    return tl::unexpected(checked.error());
  }
  const auto model = json.find("model");
  const auto vocabulary = member(*model, "vocab");
  const auto added = member(json, "added_tokens");
  if (!vocabulary.is_object()) {
    return fail(ErrorCode::malformed, "has no vocabulary of tokens and ids; save it again");
  }
  TokenList list(vocabulary.size() + (added.is_array() ? added.size() : 0));
  if (auto done = add_vocabulary(json, list); !done) {
    return tl::unexpected(done.error());
  }
  const auto merges = member(*model, "merges");
  for (const auto& merge : merges.is_array() ? merges : Document::array()) {
    const auto parts = parts_of(merge);
    if (!parts) {
      return fail(ErrorCode::malformed, fmt::format("has the merge {}, which is not two tokens; "
                                                    "save it again",
                                                    merge.dump()));
    }
    if (auto done = list.add_merge(parts->first, parts->second); !done) {
      return tl::unexpected(done.error());
    }
  }
  return std::move(list).finish(member(*model, "ignore_merges") == true);
}

std::string to_json(const BytePairs& pairs) {
  const auto symbols = [&](std::int32_t id) {
    return to_symbols(pairs.tokens()[static_cast<std::size_t>(id)].bytes);
  };
  auto added = Ordered::array();
  Ordered::object_t vocabulary;
  for (std::int32_t id = 0; id < pairs.vocabulary(); ++id) {
    const Token& token = pairs.tokens()[static_cast<std::size_t>(id)];
    const bool is_text = token.role == Token::Role::text;
    // Tokens are distinct: appending to the underlying list spares ordered_json's search.
    static_cast<Ordered::object_t::Container&>(vocabulary)
        .emplace_back(is_text ? symbols(id) : token.bytes, id);
    if (!is_text) {
      added.push_back({{"id", id},
                       {"content", token.bytes},
                       {"single_word", false},
                       {"lstrip", false},
                       {"rstrip", false},
                       {"normalized", false},
                       {"special", token.role == Token::Role::special}});
    }
  }
  auto merges = Ordered::array();
  for (const Merge& merge : pairs.merges()) {
    merges.push_back(symbols(merge.left) + " " + symbols(merge.right));
  }
  return to_text({.added_tokens = std::move(added),
                  .pre_tokenizer = byte_level(false, true, true),
                  .post_processor = byte_level(true, false, true),
                  .decoder = byte_level(true, true, true),
                  .ignore_merges = pairs.whole_first(),
                  .vocabulary = std::move(vocabulary),
                  .merges = std::move(merges)});
}

}  // namespace nodezero::model
