// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "model/bpe/byte_pairs.hpp"
#include "nodezero/error.hpp"

namespace nodezero::model {

// The forms in which byte-level BPE vocabularies come. All fail with malformed; the message begins
// with a verb, such as "has no token for the byte 0x00", and is to be put behind the file's name.

/// tokenizer.json of Hugging Face's `tokenizers`, which may have whatever does not change how text
/// becomes ids in GPT-2's way. Tokens that have been added are never made of text.
Result<BytePairs> byte_pairs_from_json(const nlohmann::json& tokenizer);
std::string to_json(const BytePairs& pairs);

/// vocab.json (or encoder.json), merges.txt (or vocab.bpe) and, where there is one,
/// added_tokens.json. <|endoftext|> is special.
Result<BytePairs> byte_pairs_from_files(std::string_view vocabulary, std::string_view merges,
                                        std::string_view added = {});

/// The ranks of tiktoken: a line for each token with its bytes in base64 and its id, which is also
/// the rank of the merge that makes it. Only sizes are read whose text is cut in GPT-2's way; the
/// id 50,256, which r50k_base and p50k_base leave free, is <|endoftext|>.
Result<BytePairs> byte_pairs_from_ranks(std::string_view ranks);

}  // namespace nodezero::model
