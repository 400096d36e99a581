// SPDX-License-Identifier: BSD-3-Clause

// The tokenizer.json of Hugging Face's tokenizers library, as far as bytes and characters
// need it. Both are byte-pair encodings that never merge a pair. With the ByteLevel
// pre-tokenizer the units are bytes, each written as one printable character; without it they
// are characters, written as they are.
#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "formats/bounded_json.hpp"
#include "model/text/character_table.hpp"
#include "model/text/tokenizer.hpp"
#include "model/text/utf8_text.hpp"

namespace nodezero::model {
namespace {

using Json = nlohmann::ordered_json;

constexpr char32_t ascii_end = 0x80;

/// GPT-2's table of a printable character for every byte: Latin-1 where that is printable and
/// no space, the characters from U+0100 for the other bytes, in order.
std::array<char32_t, 256> byte_symbols() {
  std::array<char32_t, 256> symbols{};
  char32_t next = 0x100;
  for (char32_t byte = 0; byte < 256; ++byte) {
    const bool printable =
        (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xFF && byte != 0xAD);
    symbols[byte] = printable ? byte : next++;
  }
  return symbols;
}

Json byte_level(bool add_prefix_space, bool use_regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", add_prefix_space},
          {"trim_offsets", true},
          {"use_regex", use_regex}};
}

/// The library joins tokens with spaces unless a decoder says otherwise; Fuse joins them as
/// they are.
Json document(std::span<const char32_t> symbols, bool bytes) {
  Json::object_t vocabulary;
  for (std::size_t id = 0; id < symbols.size(); ++id) {
    std::string symbol;
    append_utf8(symbols[id], symbol);
    // Symbols are distinct: appending to the underlying list spares ordered_json's search.
    static_cast<Json::object_t::Container&>(vocabulary).emplace_back(std::move(symbol), id);
  }
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", Json::array()},
          {"normalizer", nullptr},
          {"pre_tokenizer", bytes ? byte_level(false, false) : Json(nullptr)},
          {"post_processor", nullptr},
          {"decoder", bytes ? byte_level(true, true) : Json{{"type", "Fuse"}}},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", nullptr},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", false},
            {"byte_fallback", false},
            {"ignore_merges", false},
            {"vocab", std::move(vocabulary)},
            {"merges", Json::array()}}}};
}

tl::unexpected<Error> malformed(std::string what) {
  return fail(ErrorCode::malformed, "tokenizer.json " + std::move(what));
}

bool is_null_or_absent(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null();
}

/// A list or object that is missing counts as empty.
std::size_t size_of(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_structured() ? found->size() : 0;
}

/// Whether the units are bytes; an error where text would be changed or cut before that.
Result<bool> reads_bytes(const nlohmann::json& json) {
  if (!is_null_or_absent(json, "normalizer")) {
    return malformed(
        "has a normalizer, which is not supported; only plain bytes and chars tokenizers are");
  }
  if (is_null_or_absent(json, "pre_tokenizer")) {
    return false;
  }
  const auto& pre_tokenizer = json["pre_tokenizer"];
  if (!pre_tokenizer.is_object() || pre_tokenizer.value("type", nlohmann::json()) != "ByteLevel") {
    return malformed("has a pre-tokenizer that is not supported; only ByteLevel or none is");
  }
  if (pre_tokenizer.value("add_prefix_space", nlohmann::json(true)) != false) {
    return malformed("sets add_prefix_space, which is not supported; set it to false");
  }
  return true;
}

/// The one-character symbols of a vocabulary in the order of their ids.
Result<std::vector<char32_t>> symbols_of(const nlohmann::json& vocabulary) {
  std::vector<std::optional<char32_t>> symbols(vocabulary.size());
  for (const auto& [token, id] : vocabulary.items()) {
    const DecodedCharacter character =
        token.empty() ? DecodedCharacter{} : decode_utf8(std::string_view(token));
    if (character.bytes == 0 || character.bytes != token.size()) {
      return malformed(
          fmt::format("has the token {}, which is not one character; only bytes and chars "
                      "tokenizers are supported",
                      nlohmann::json(token).dump()));
    }
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= symbols.size()) {
      return malformed(fmt::format("gives token {} the id {}, which is not one of 0 to {}",
                                   nlohmann::json(token).dump(), id.dump(), symbols.size() - 1));
    }
    auto& slot = symbols[id.get<std::size_t>()];
    if (slot.has_value()) {
      return malformed(
          fmt::format("gives the id {} to two tokens; save the tokenizer again", id.dump()));
    }
    slot = character.code_point;
  }
  std::vector<char32_t> result;
  for (const auto& symbol : symbols) {
    // As many distinct ids below n as there are tokens fill every slot.
    result.push_back(symbol.value());
  }
  return result;
}

Result<Tokenizer> from_byte_symbols(const std::vector<char32_t>& symbols) {
  const auto table = byte_symbols();
  if (std::ranges::equal(symbols, table)) {
    return Tokenizer::bytes();
  }
  std::vector<char32_t> alphabet;
  for (const char32_t symbol : symbols) {
    const auto byte = static_cast<char32_t>(std::ranges::find(table, symbol) - table.begin());
    if (byte >= ascii_end) {
      return malformed(fmt::format(
          "stands for bytes, but neither for all 256 in order nor for ASCII characters alone ({} "
          "is neither), which is not supported",
          describe_character(symbol)));
    }
    alphabet.push_back(byte);
  }
  return Tokenizer::chars(std::move(alphabet));
}

}  // namespace

std::string Tokenizer::to_json() const {
  const auto symbols = byte_symbols();
  switch (kind_) {
    case Kind::none:
      return {};
    case Kind::bytes:
      return document(symbols, true).dump() + "\n";
    case Kind::chars:
      break;
  }
  if (std::ranges::any_of(alphabet_, [](char32_t c) { return c >= ascii_end; })) {
    return document(alphabet_, false).dump() + "\n";
  }
  std::vector<char32_t> ascii;
  for (const char32_t character : alphabet_) {
    ascii.push_back(symbols[character]);
  }
  return document(ascii, true).dump() + "\n";
}

Result<Tokenizer> Tokenizer::from_json(std::string_view text) {
  const auto read = formats::read_json(text);
  if (!read) {
    return malformed(read.error().message + "; save the tokenizer again");
  }
  const auto& json = *read;
  if (!json.is_object()) {
    return malformed("is not a JSON object; save the tokenizer again");
  }
  const auto model = json.find("model");
  if (model == json.end() || !model->is_object() || size_of(*model, "vocab") == 0 ||
      !(*model)["vocab"].is_object()) {
    return malformed("has no model with a vocabulary of tokens and ids; save the tokenizer again");
  }
  if (const auto merges = size_of(*model, "merges"); merges != 0) {
    return malformed(fmt::format(
        "has {} merges; only bytes and chars tokenizers (no merges) are supported: turn text "
        "into token files (.bin) with the program that made it",
        merges));
  }
  if (model->value("type", nlohmann::json("BPE")) != "BPE") {
    return malformed(fmt::format("has a model of type {}; only BPE without merges is supported",
                                 (*model)["type"].dump()));
  }
  if ((*model)["vocab"].size() > CharacterTable::max_tokens) {
    return malformed(
        fmt::format("has {} tokens; at most 65,535 are supported", (*model)["vocab"].size()));
  }
  const auto bytes = reads_bytes(json);
  if (!bytes) {
    return tl::unexpected(bytes.error());
  }
  auto symbols = symbols_of((*model)["vocab"]);
  if (!symbols) {
    return tl::unexpected(symbols.error());
  }
  return *bytes ? from_byte_symbols(*symbols) : Tokenizer::chars(std::move(*symbols));
}

bool json_has_merges(std::string_view text) {
  const auto json = formats::read_json(text).value_or(nlohmann::json());
  const auto model = json.is_object() ? json.find("model") : json.end();
  return json.is_object() && model != json.end() && model->is_object() &&
         size_of(*model, "merges") != 0;
}

}  // namespace nodezero::model
