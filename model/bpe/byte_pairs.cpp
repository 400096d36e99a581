// SPDX-License-Identifier: BSD-3-Clause
#include "model/bpe/byte_pairs.hpp"

#include <algorithm>
#include <bit>
#include <functional>
#include <limits>

#include <fmt/format.h>

#include "model/bpe/byte_symbols.hpp"
#include "model/bpe/piece_merging.hpp"

namespace nodezero::model {
namespace {

tl::unexpected<Error> malformed(std::string what) {
  return fail(ErrorCode::malformed, std::move(what));
}

std::uint64_t pair_key(std::int32_t left, std::int32_t right) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
         static_cast<std::uint32_t>(right);
}

std::uint64_t mixed(std::uint64_t key) {
  key *= 0x9E3779B97F4A7C15U;
  return key ^ key >> 32;
}

/// Slots of a hash table that stays at most half full.
std::size_t slots_for(std::size_t count) {
  return std::bit_ceil(std::max<std::size_t>(count * 2, 16));
}

}  // namespace

Result<BytePairs> BytePairs::create(std::vector<Token> tokens, std::vector<Merge> merges,
                                    bool whole_first) {
  if (tokens.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    return malformed("has more tokens than there are ids of 31 bits");
  }
  BytePairs pairs;
  pairs.tokens_ = std::move(tokens);
  pairs.merges_ = std::move(merges);
  pairs.whole_first_ = whole_first;
  if (auto indexed = pairs.index_tokens(); !indexed) {
    return tl::unexpected(indexed.error());
  }
  if (auto indexed = pairs.index_merges(); !indexed) {
    return tl::unexpected(indexed.error());
  }
  return pairs;
}

Result<void> BytePairs::index_tokens() {
  ids_by_text_.assign(slots_for(tokens_.size()), -1);
  byte_tokens_.fill(-1);
  for (std::size_t id = 0; id < tokens_.size(); ++id) {
    const Token& token = tokens_[id];
    if (token.role == Token::Role::special && token.bytes == end_of_text) {
      end_token_ = static_cast<std::int32_t>(id);
    }
    if (token.role != Token::Role::text) {
      continue;
    }
    if (token.bytes.empty() || id_of(token.bytes) >= 0) {
      return malformed(fmt::format("has the token \"{}\" twice, or without text; save it again",
                                   to_symbols(token.bytes)));
    }
    auto slot = std::hash<std::string_view>()(token.bytes) & (ids_by_text_.size() - 1);
    while (ids_by_text_[slot] >= 0) {
      slot = (slot + 1) & (ids_by_text_.size() - 1);
    }
    ids_by_text_[slot] = static_cast<std::int32_t>(id);
    if (token.bytes.size() == 1) {
      byte_tokens_[static_cast<unsigned char>(token.bytes.front())] = static_cast<std::int32_t>(id);
    }
  }
  const auto missing = std::ranges::find(byte_tokens_, -1);
  if (missing != byte_tokens_.end()) {
    return malformed(
        fmt::format("has no token for the byte {:#04x}; only tokenizers that have one "
                    "for every byte are supported",
                    missing - byte_tokens_.begin()));
  }
  return {};
}

Result<void> BytePairs::index_merges() {
  ranks_by_pair_.assign(slots_for(merges_.size()), -1);
  const auto is_text = [&](std::int32_t id) {
    return id >= 0 && static_cast<std::size_t>(id) < tokens_.size() &&
           tokens_[static_cast<std::size_t>(id)].role == Token::Role::text;
  };
  const auto text = [&](std::int32_t id) -> const std::string& {
    return tokens_[static_cast<std::size_t>(id)].bytes;
  };
  for (std::size_t rank = 0; rank < merges_.size(); ++rank) {
    const auto& [left, right, result] = merges_[rank];
    if (!is_text(left) || !is_text(right) || !is_text(result) ||
        text(left) + text(right) != text(result)) {
      return malformed(
          fmt::format("has a merge (number {}) whose parts do not make a token; save "
                      "it again",
                      rank + 1));
    }
    auto slot = mixed(pair_key(left, right)) & (ranks_by_pair_.size() - 1);
    while (ranks_by_pair_[slot] >= 0) {
      const Merge& other = merges_[static_cast<std::size_t>(ranks_by_pair_[slot])];
      if (other.left == left && other.right == right) {
        return malformed(fmt::format("has the merge \"{} {}\" twice; save it again",
                                     to_symbols(text(left)), to_symbols(text(right))));
      }
      slot = (slot + 1) & (ranks_by_pair_.size() - 1);
    }
    ranks_by_pair_[slot] = static_cast<std::int32_t>(rank);
  }
  return {};
}

std::int32_t BytePairs::id_of(std::string_view bytes) const {
  auto slot = std::hash<std::string_view>()(bytes) & (ids_by_text_.size() - 1);
  while (ids_by_text_[slot] >= 0) {
    if (tokens_[static_cast<std::size_t>(ids_by_text_[slot])].bytes == bytes) {
      return ids_by_text_[slot];
    }
    slot = (slot + 1) & (ids_by_text_.size() - 1);
  }
  return -1;
}

std::int32_t BytePairs::rank_of(std::int32_t left, std::int32_t right) const {
  auto slot = mixed(pair_key(left, right)) & (ranks_by_pair_.size() - 1);
  while (ranks_by_pair_[slot] >= 0) {
    const Merge& merge = merges_[static_cast<std::size_t>(ranks_by_pair_[slot])];
    if (merge.left == left && merge.right == right) {
      return ranks_by_pair_[slot];
    }
    slot = (slot + 1) & (ranks_by_pair_.size() - 1);
  }
  return -1;
}

void BytePairs::encode_piece(std::string_view piece, std::vector<std::int32_t>& ids) const {
  if (whole_first_) {
    if (const std::int32_t id = id_of(piece); id >= 0) {
      ids.push_back(id);
      return;
    }
  }
  const auto first = ids.size();
  for (const char byte : piece) {
    ids.push_back(byte_tokens_[static_cast<unsigned char>(byte)]);
  }
  ids.resize(first + merge_piece(*this, std::span(ids).subspan(first)));
}

}  // namespace nodezero::model
