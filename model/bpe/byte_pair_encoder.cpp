// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <cstring>

#include "model/bpe/byte_pairs.hpp"
#include "model/bpe/pieces.hpp"

namespace nodezero::model {
namespace {

constexpr std::size_t remembered = std::size_t{1} << 15;
/// With its length in the last byte, a shorter piece is two words.
constexpr std::size_t longest_remembered = 15;

}  // namespace

BytePairEncoder::BytePairEncoder(const BytePairs& pairs, bool remembers)
    : pairs_(pairs), entries_(remembers ? remembered : 0) {}

std::size_t BytePairEncoder::encode(std::string_view text, bool is_whole,
                                    std::vector<std::int32_t>& ids) {
  PieceScanner scanner(text, is_whole);
  for (auto piece = scanner.next(); !piece.empty(); piece = scanner.next()) {
    if (entries_.empty() || piece.size() > longest_remembered) {
      pairs_.encode_piece(piece, ids);
      continue;
    }
    std::array<char, 16> bytes{};
    std::memcpy(bytes.data(), piece.data(), piece.size());
    bytes.back() = static_cast<char>(piece.size());
    std::array<std::uint64_t, 2> key;
    std::memcpy(key.data(), bytes.data(), bytes.size());
    encode_short(piece, key, ids);
  }
  return text.size() - scanner.rest().size();
}

void BytePairEncoder::encode_short(std::string_view piece, std::array<std::uint64_t, 2> key,
                                   std::vector<std::int32_t>& ids) {
  const std::uint64_t mixed =
      (key[0] * 0x9E3779B97F4A7C15U) ^ ((key[1] + 0x7F4A7C15U) * 0xC2B2AE3D27D4EB4FU);
  Entry& entry = entries_[(mixed ^ mixed >> 29) % remembered];
  if (entry.piece != key) {
    const auto first = ids.size();
    pairs_.encode_piece(piece, ids);
    const auto count = ids.size() - first;
    if (count <= entry.ids.size()) {
      entry.piece = key;
      entry.count = static_cast<std::uint32_t>(count);
      std::copy(ids.begin() + static_cast<std::ptrdiff_t>(first), ids.end(), entry.ids.begin());
    }
    return;
  }
  ids.insert(ids.end(), entry.ids.begin(), entry.ids.begin() + entry.count);
}

}  // namespace nodezero::model
