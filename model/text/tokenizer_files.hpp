// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <optional>

#include "model/text/tokenizer.hpp"
#include "nodezero/error.hpp"

namespace nodezero::model {

/// The tokenizer of a folder: tokenizer.json, or vocab.json with merges.txt, or the same under
/// OpenAI's names, encoder.json with vocab.bpe; nothing if it has none of them. Fails with
/// malformed, naming the file.
Result<std::optional<Tokenizer>> tokenizer_in(const std::filesystem::path& folder);

/// The tokenizer that somebody has named: a folder as above, one of those files, or tiktoken's
/// ranks
/// (.tiktoken).
Result<Tokenizer> read_tokenizer(const std::filesystem::path& path);

}  // namespace nodezero::model
