// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "model/bpe/byte_pairs.hpp"

namespace nodezero::model {

/// Learns a byte-level BPE vocabulary from text: <|endoftext|>, the 256 bytes in the order of their
/// symbols, and then again and again the pair of neighbours that occurs most often in the pieces,
/// of equally frequent ones that of the smallest ids. The merges are those of Hugging Face's
/// `tokenizers`.
class BytePairTrainer {
 public:
  /// Counts the pieces of a text, and returns how many of its bytes they are: all if no more
  /// follows (`is_whole`).
  std::size_t count(std::string_view text, bool is_whole);

  /// A vocabulary of at most `vocabulary` tokens; a text with fewer pairs gives fewer.
  BytePairs train(std::int64_t vocabulary) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  std::unordered_map<std::string, std::int64_t, Hash, std::equal_to<>> pieces_;
};

}  // namespace nodezero::model
