// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <string_view>

namespace nodezero::model {

/// Cuts text into the pieces that tokens never cross, as GPT-2's regular expression does:
///   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
/// A byte that belongs to no UTF-8 character counts as a character by itself, neither letter nor
/// number nor white space.
class PieceScanner {
 public:
  /// `is_whole`: more text does not follow. If it may, the last pieces, which could go on in it,
  /// are not given.
  explicit PieceScanner(std::string_view text, bool is_whole = true);

  /// The next piece, empty at the end. All together they are the text.
  std::string_view next();

  /// What next() has not given.
  std::string_view rest() const { return text_.substr(at_); }

 private:
  std::size_t end_of_piece() const;

  std::string_view text_;
  std::string_view known_;  ///< `text_` without a character that may go on behind it
  bool is_whole_;
  std::size_t at_ = 0;
};

}  // namespace nodezero::model
