// SPDX-License-Identifier: BSD-3-Clause
#include "model/interchange/gguf_tokens.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "model/bpe/byte_pairs.hpp"
#include "model/bpe/byte_symbols.hpp"
#include "model/bpe/token_list.hpp"
#include "model/text/utf8_text.hpp"

namespace nodezero::model {
namespace {

void add(std::string text, std::int32_t type, GgufTokens& out) {
  out.tokens.push_back(std::move(text));
  out.types.push_back(type);
}

void add_characters(std::span<const char32_t> alphabet, GgufTokens& out) {
  std::set<std::string> known;
  for (const char32_t character : alphabet) {
    std::string bytes;
    append_utf8(character, bytes);
    add(to_symbols(bytes), GgufTokens::normal, out);
    for (std::size_t i = 1; i < bytes.size(); ++i) {
      auto merge = to_symbols(bytes.substr(0, i)) + " " + to_symbols(bytes.substr(i, 1));
      if (known.insert(merge).second) {
        out.merges.push_back(std::move(merge));
      }
    }
  }
}

void add_pairs(const BytePairs& pairs, GgufTokens& out) {
  const auto symbols = [&](std::int32_t id) {
    return to_symbols(pairs.tokens()[static_cast<std::size_t>(id)].bytes);
  };
  for (const Token& token : pairs.tokens()) {
    switch (token.role) {
      case Token::Role::text:
        add(to_symbols(token.bytes), GgufTokens::normal, out);
        break;
      case Token::Role::added:
        add(token.bytes, GgufTokens::user_defined, out);
        break;
      case Token::Role::special:
        add(token.bytes, GgufTokens::control, out);
        break;
      case Token::Role::none:
        add(fmt::format("[PAD{}]", out.tokens.size()), GgufTokens::unused, out);
    }
  }
  for (const Merge& merge : pairs.merges()) {
    out.merges.push_back(symbols(merge.left) + " " + symbols(merge.right));
  }
}

/// The characters of a vocabulary of nothing else, or nothing.
std::optional<std::vector<char32_t>> alphabet_of(std::span<const std::string> tokens) {
  std::vector<char32_t> alphabet;
  std::set<char32_t> known;
  for (const auto& token : tokens) {
    const auto bytes = from_symbols(token).value_or("");
    const auto character = bytes.empty() ? DecodedCharacter() : decode_utf8(bytes);
    if (character.bytes == 0 || character.bytes != bytes.size() ||
        !known.insert(character.code_point).second) {
      return std::nullopt;
    }
    alphabet.push_back(character.code_point);
  }
  return alphabet;
}

bool are_bytes(std::span<const std::string> tokens) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] != to_symbols(std::string(1, static_cast<char>(i)))) {
      return false;
    }
  }
  return tokens.size() == 256;
}

Result<Tokenizer> pairs_of(const GgufTokens& given, std::size_t used) {
  TokenList list(used);
  for (std::size_t id = 0; id < used; ++id) {
    const auto type = given.types[id];
    const auto done = type == GgufTokens::normal
                          ? list.add(given.tokens[id], id)
                          : list.add_special(given.tokens[id], id,
                                             type == GgufTokens::control ? Token::Role::special
                                                                         : Token::Role::added);
    if (!done) {
      return tl::unexpected(done.error());
    }
  }
  for (const auto& merge : given.merges) {
    const auto space = std::min(merge.find(' '), merge.size());
    if (auto done =
            list.add_merge(merge.substr(0, space), merge.substr(std::min(space + 1, merge.size())));
        !done) {
      return tl::unexpected(done.error());
    }
  }
  return std::move(list).finish(false).map(
      [](BytePairs&& pairs) { return Tokenizer::bpe(std::move(pairs)); });
}

}  // namespace

GgufTokens gguf_tokens_of(const Tokenizer& tokenizer, std::int64_t vocabulary) {
  GgufTokens out;
  switch (tokenizer.kind()) {
    case Tokenizer::Kind::bytes:
      for (int byte = 0; byte < 256; ++byte) {
        add(to_symbols(std::string(1, static_cast<char>(byte))), GgufTokens::normal, out);
      }
      break;
    case Tokenizer::Kind::chars:
      add_characters(tokenizer.alphabet(), out);
      break;
    case Tokenizer::Kind::bpe:
      add_pairs(tokenizer.byte_pairs(), out);
      break;
    case Tokenizer::Kind::none:
      break;
  }
  while (static_cast<std::int64_t>(out.tokens.size()) < vocabulary) {
    add(fmt::format("[PAD{}]", out.tokens.size()), GgufTokens::unused, out);
  }
  return out;
}

Result<Tokenizer> tokenizer_of(const GgufTokens& given) {
  const auto is_normal = [](std::int32_t type) { return type == GgufTokens::normal; };
  const auto normal = static_cast<std::size_t>(std::ranges::count_if(given.types, is_normal));
  if (std::all_of(given.types.begin(), given.types.begin() + static_cast<std::ptrdiff_t>(normal),
                  is_normal)) {
    const auto tokens = std::span(given.tokens).first(normal);
    if (are_bytes(tokens)) {
      return Tokenizer::bytes();
    }
    if (auto alphabet = alphabet_of(tokens); alphabet && !alphabet->empty()) {
      return Tokenizer::chars(std::move(*alphabet));
    }
  }
  std::size_t used = given.tokens.size();
  while (used > 0 && given.types[used - 1] == GgufTokens::unused) {
    --used;
  }
  return pairs_of(given, used);
}

}  // namespace nodezero::model
