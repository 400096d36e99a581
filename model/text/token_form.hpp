// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "model/files/input_file.hpp"
#include "model/text/corpus.hpp"
#include "model/text/joined_files.hpp"
#include "nodezero/error.hpp"

namespace nodezero::model {

/// How a token file stores its ids: as numbers of `bytes` bytes, low byte first.
struct TokenForm {
  unsigned bytes = 2;
  bool is_signed = false;
  /// Nobody has said that there are 2 bytes an id: neither a header nor an option.
  bool is_guessed = false;
  JoinedFiles::Part part = {};  ///< of the file
};

/// Looks at a file's header, as described at open_token_files.
Result<TokenForm> token_form_of(const InputFile& file, TokenType type);

}  // namespace nodezero::model
