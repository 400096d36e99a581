// SPDX-License-Identifier: BSD-3-Clause

// vocab.json with merges.txt, and tiktoken's ranks.
#include "model/bpe/vocabulary_files.hpp"

#include <charconv>
#include <map>
#include <numeric>
#include <optional>
#include <unordered_map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "formats/bounded_json.hpp"
#include "model/bpe/token_list.hpp"

namespace nodezero::model {
namespace {

/// Calls `visit` with each line that is not empty, without its end.
template <class Visit>
Result<void> for_each_line(std::string_view text, Visit&& visit) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    if (!line.empty()) {
      if (auto done = visit(line); !done) {
        return done;
      }
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return {};
}

Result<nlohmann::json> read_map(std::string_view text) {
  auto json = formats::read_json(text);
  if (json && !json->is_object()) {
    return fail(ErrorCode::malformed, "is not a JSON object of tokens and ids; copy it again");
  }
  return json;
}

std::optional<std::string> from_base64(std::string_view text) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  while (text.ends_with('=')) {
    text.remove_suffix(1);
  }
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const auto digit = digits.find(c);
    if (digit == std::string_view::npos) {
      return std::nullopt;
    }
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes.push_back(static_cast<char>(bits >> count & 0xFF));
    }
  }
  return bytes;
}

using Ranks = std::map<std::int32_t, std::string>;
using IdsByText = std::unordered_map<std::string_view, std::int32_t>;

Result<Ranks> read_ranks(std::string_view text) {
  Ranks ranks;
  const auto done = for_each_line(text, [&](std::string_view line) -> Result<void> {
    const auto space = line.find(' ');
    const auto bytes = from_base64(line.substr(0, space));
    std::int32_t rank = -1;
    const auto digits = space == std::string_view::npos ? "" : line.substr(space + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), rank);
    if (!bytes || bytes->empty() || error != std::errc() || end != digits.end() || rank < 0) {
      return fail(ErrorCode::malformed,
                  fmt::format("has a line {} that is not a token in base64 and its rank; copy it "
                              "again",
                              ranks.size() + 1));
    }
    if (!ranks.try_emplace(rank, *bytes).second) {
      return fail(ErrorCode::malformed,
                  fmt::format("gives the rank {} to two tokens; copy it again", rank));
    }
    return {};
  });
  if (!done) {
    return tl::unexpected(done.error());
  }
  return ranks;
}

/// The id that r50k_base has no rank for because it is behind the last, and p50k_base leaves free.
constexpr std::size_t free_id = 50'256;
/// Larger vocabularies, from cl100k_base on, cut text in other ways.
constexpr std::size_t most_ranks = 65'536;

/// The merge that makes a token: of the two parts that its bytes become by the merges before it.
/// Nothing if they do not become two, so that the token is only made of a piece that is it.
std::optional<Merge> merge_for(const IdsByText& ids, std::string_view bytes, std::int32_t id) {
  std::vector<std::size_t> borders(bytes.size() + 1);
  std::iota(borders.begin(), borders.end(), std::size_t{0});
  const auto id_between = [&](std::size_t begin, std::size_t end) {
    const auto found = ids.find(bytes.substr(borders[begin], borders[end] - borders[begin]));
    return found == ids.end() ? id : found->second;
  };
  while (borders.size() > 3) {
    std::size_t best = 0;
    std::int32_t least = id;
    for (std::size_t i = 0; i + 2 < borders.size(); ++i) {
      if (const auto merged = id_between(i, i + 2); merged < least) {
        least = merged;
        best = i;
      }
    }
    if (least == id) {
      return std::nullopt;
    }
    borders.erase(borders.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
  const Merge merge{id_between(0, 1), id_between(1, 2), id};
  return merge.left < id && merge.right < id ? std::optional(merge) : std::nullopt;
}

Result<BytePairs> with_merges(std::vector<Token> tokens) {
  IdsByText ids;
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (tokens[id].role == Token::Role::text) {
      ids.emplace(tokens[id].bytes, static_cast<std::int32_t>(id));
    }
  }
  std::vector<Merge> merges;
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (tokens[id].role != Token::Role::text || tokens[id].bytes.size() < 2) {
      continue;
    }
    if (const auto merge = merge_for(ids, tokens[id].bytes, static_cast<std::int32_t>(id))) {
      merges.push_back(*merge);
    }
  }
  return BytePairs::create(std::move(tokens), std::move(merges), true);
}

}  // namespace

Result<BytePairs> byte_pairs_from_files(std::string_view vocabulary, std::string_view merges,
                                        std::string_view added) {
  const auto ids = read_map(vocabulary);
  const auto more =
      added.empty() ? Result<nlohmann::json>(nlohmann::json::object()) : read_map(added);
  if (!ids || !more) {
    return tl::unexpected(!ids ? ids.error() : more.error());
  }
  TokenList list(ids->size() + more->size());
  for (const auto& [symbols, id] : ids->items()) {
    const bool is_end = symbols == end_of_text;
    const auto done =
        is_end ? list.add_special(symbols, id, Token::Role::special) : list.add(symbols, id);
    if (!done) {
      return tl::unexpected(done.error());
    }
  }
  for (const auto& [text, id] : more->items()) {
    if (auto done = list.add_special(text, id, Token::Role::special);
        !done && !ids->contains(text)) {
      return tl::unexpected(done.error());
    }
  }
  const auto done = for_each_line(merges, [&](std::string_view line) -> Result<void> {
    const auto space = line.find(' ');
    if (line.starts_with("#version") && line.data() == merges.data()) {
      return {};
    }
    if (space == std::string_view::npos) {
      return fail(ErrorCode::malformed,
                  fmt::format("has the merge {}, which is not two tokens; copy it again",
                              nlohmann::json(line).dump(-1, ' ', false,
                                                        nlohmann::json::error_handler_t::replace)));
    }
    return list.add_merge(line.substr(0, space), line.substr(space + 1));
  });
  if (!done) {
    return tl::unexpected(done.error());
  }
  return std::move(list).finish(false);
}

Result<BytePairs> byte_pairs_from_ranks(std::string_view text) {
  const auto ranks = read_ranks(text);
  if (!ranks) {
    return tl::unexpected(ranks.error());
  }
  if (ranks->size() > most_ranks) {
    return fail(ErrorCode::malformed,
                fmt::format("has {} ranks; only vocabularies like r50k_base and p50k_base, which "
                            "cut text in GPT-2's way, are supported",
                            ranks->size()));
  }
  std::vector<Token> tokens;
  for (const auto& [rank, bytes] : *ranks) {
    if (tokens.size() == free_id && static_cast<std::size_t>(rank) == free_id + 1) {
      tokens.push_back({std::string(end_of_text), Token::Role::special});
    }
    if (static_cast<std::size_t>(rank) != tokens.size()) {
      return fail(ErrorCode::malformed,
                  fmt::format("gives the rank {} to no token; copy it again", tokens.size()));
    }
    tokens.push_back({bytes, Token::Role::text});
  }
  if (tokens.size() == free_id) {
    tokens.push_back({std::string(end_of_text), Token::Role::special});
  }
  return with_merges(std::move(tokens));
}

}  // namespace nodezero::model
