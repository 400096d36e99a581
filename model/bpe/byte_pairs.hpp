// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nodezero/error.hpp"

namespace nodezero::model {

/// The special token that stands between texts.
inline constexpr std::string_view end_of_text = "<|endoftext|>";

/// A token of a byte-level BPE vocabulary.
struct Token {
  enum class Role : std::uint8_t {
    text,     ///< what merges make of text
    added,    ///< stands for its text, but text never becomes it
    special,  ///< stands between texts, such as end_of_text
    none,     ///< an id that nothing has
  };
  std::string bytes;  ///< of a special one: its name
  Role role = Role::text;
};

/// Two neighbours that become one token.
struct Merge {
  std::int32_t left = 0;
  std::int32_t right = 0;
  std::int32_t result = 0;
};

/// A byte-level BPE vocabulary: text is cut into pieces (PieceScanner), a piece begins as a token
/// for each of its bytes, and again and again the pair whose merge comes first in the list becomes
/// one token, from left to right. Immutable.
class BytePairs {
 public:
  /// `whole_first`: a piece that is a token becomes that token, whatever the merges say. Fails with
  /// malformed if a byte has no token, two tokens are the same text, or a merge names ids that are
  /// not tokens or do not belong together.
  static Result<BytePairs> create(std::vector<Token> tokens, std::vector<Merge> merges,
                                  bool whole_first);

  std::span<const Token> tokens() const { return tokens_; }
  std::span<const Merge> merges() const { return merges_; }
  bool whole_first() const { return whole_first_; }
  std::int64_t vocabulary() const { return static_cast<std::int64_t>(tokens_.size()); }
  /// The id of end_of_text, or -1.
  std::int32_t end_token() const { return end_token_; }
  /// The id of a token that is not special, or -1.
  std::int32_t id_of(std::string_view bytes) const;

  /// Appends the ids of one piece.
  void encode_piece(std::string_view piece, std::vector<std::int32_t>& ids) const;

  /// The merge of a pair, or -1.
  std::int32_t rank_of(std::int32_t left, std::int32_t right) const;

 private:
  BytePairs() = default;
  Result<void> index_tokens();
  Result<void> index_merges();
  std::size_t slot_of(std::uint64_t key, std::size_t count) const;

  std::vector<Token> tokens_;
  std::vector<Merge> merges_;
  bool whole_first_ = false;
  std::int32_t end_token_ = -1;
  std::array<std::int32_t, 256> byte_tokens_{};
  std::vector<std::int32_t> ids_by_text_;    ///< a hash table of ids, -1 where it is free
  std::vector<std::int32_t> ranks_by_pair_;  ///< a hash table of ranks, -1 where it is free
};

/// Encodes texts with a vocabulary, and remembers the pieces that it has met lately: most pieces of
/// a text are a few words again and again. For one thread.
class BytePairEncoder {
 public:
  /// `remembers`: for much text; the memory takes 2 MB.
  explicit BytePairEncoder(const BytePairs& pairs, bool remembers = true);

  /// Appends the ids of a text, and returns how many of its bytes they stand for: all if no more
  /// follows (`is_whole`).
  std::size_t encode(std::string_view text, bool is_whole, std::vector<std::int32_t>& ids);

 private:
  /// One cache line: a short piece with its tokens.
  struct alignas(64) Entry {
    std::array<std::uint64_t, 2> piece{};
    std::uint32_t count = 0;
    std::array<std::int32_t, 11> ids{};
  };

  void encode_short(std::string_view piece, std::array<std::uint64_t, 2> key,
                    std::vector<std::int32_t>& ids);

  const BytePairs& pairs_;
  std::vector<Entry> entries_;
};

}  // namespace nodezero::model
