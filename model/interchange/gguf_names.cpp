// SPDX-License-Identifier: BSD-3-Clause
#include "model/interchange/gguf_names.hpp"

#include <utility>

namespace nodezero::model {
namespace {

constexpr std::pair<std::string_view, std::string_view> outside_of_blocks[] = {
    {"transformer.wte.", "token_embd."},
    {"transformer.wpe.", "position_embd."},
    {"transformer.ln_f.", "output_norm."},
    {"lm_head.", "output."},
};
constexpr std::pair<std::string_view, std::string_view> inside_of_blocks[] = {
    {"ln_1.", "attn_norm."}, {"attn.c_attn.", "attn_qkv."}, {"attn.c_proj.", "attn_output."},
    {"ln_2.", "ffn_norm."},  {"mlp.c_fc.", "ffn_up."},      {"mlp.c_proj.", "ffn_down."},
};
constexpr std::string_view block = "transformer.h.";

}  // namespace

std::string gguf_name_of(std::string_view name) {
  for (const auto& [ours, theirs] : outside_of_blocks) {
    if (name.starts_with(ours)) {
      return std::string(theirs).append(name.substr(ours.size()));
    }
  }
  name.remove_prefix(block.size());
  const auto dot = name.find('.') + 1;
  for (const auto& [ours, theirs] : inside_of_blocks) {
    if (name.substr(dot).starts_with(ours)) {
      return std::string("blk.")
          .append(name.substr(0, dot))
          .append(theirs)
          .append(name.substr(dot + ours.size()));
    }
  }
  return {};
}

bool is_transposed(std::string_view name) {
  return name.starts_with(block) && name.ends_with(".weight") &&
         name.find(".ln_") == std::string_view::npos;
}

}  // namespace nodezero::model
