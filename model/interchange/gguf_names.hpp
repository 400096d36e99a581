// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nodezero::model {

/// What a tensor of GPT-2 is called in a GGUF file, such as blk.0.attn_qkv.weight for
/// transformer.h.0.attn.c_attn.weight.
std::string gguf_name_of(std::string_view name);

/// Whether GGUF has the matrix with its output in rows, where ours has it in columns. Embeddings
/// are alike.
bool is_transposed(std::string_view name);

}  // namespace nodezero::model
