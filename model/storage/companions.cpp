// SPDX-License-Identifier: BSD-3-Clause
#include "model/storage/companions.hpp"

#include <array>
#include <system_error>

#include <nlohmann/json.hpp>

#include "model/files/atomic_file.hpp"
#include "model/storage/model_folder.hpp"
#include "model/text/tokenizer.hpp"

namespace nodezero::model {
namespace {

constexpr const char* tokenizer_config_file = "tokenizer_config.json";

constexpr std::array names{
    config_file,  tokenizer_file,      tokenizer_config_file,     "vocab.json",
    "merges.txt", "added_tokens.json", "special_tokens_map.json", "generation_config.json",
};

/// Says that a tokenizer.json is to be used as it is.
std::string tokenizer_config(const ModelConfig& config, bool has_end) {
  nlohmann::ordered_json json{{"clean_up_tokenization_spaces", false},
                              {"model_max_length", config.context},
                              {"tokenizer_class", "PreTrainedTokenizerFast"}};
  if (has_end) {
    json["bos_token"] = json["eos_token"] = "<|endoftext|>";
  }
  return json.dump(2) + "\n";
}

}  // namespace

std::span<const char* const> companion_names() {
  return names;
}

Companions companions_of(const ModelConfig& config, const Tokenizer& tokenizer) {
  const nlohmann::json end =
      tokenizer.end_token() < 0 ? nlohmann::json() : nlohmann::json(tokenizer.end_token());
  const nlohmann::json ids{{"bos_token_id", end}, {"eos_token_id", end}};
  Companions companions{{config_file, config_to_json(config, ids.dump())}};
  if (tokenizer.kind() != Tokenizer::Kind::none) {
    companions[tokenizer_file] = tokenizer.to_json();
    companions[tokenizer_config_file] = tokenizer_config(config, tokenizer.end_token() >= 0);
  }
  return companions;
}

Result<Companions> companions_in(const std::filesystem::path& folder) {
  Companions companions;
  for (const char* name : names) {
    auto content = read_file(folder / name);
    if (content) {
      companions[name] = std::move(*content);
    } else if (content.error().code != ErrorCode::not_found) {
      return tl::unexpected(content.error());
    }
  }
  if (companions.contains(tokenizer_file) && !companions.contains(tokenizer_config_file)) {
    const auto config = config_from_json(companions[config_file]);
    if (config) {
      const auto tokenizer = Tokenizer::from_json(companions[tokenizer_file]);
      companions[tokenizer_config_file] =
          tokenizer_config(*config, tokenizer && tokenizer->end_token() >= 0);
    }
  }
  return companions;
}

Result<void> write_companions(const std::filesystem::path& folder, const ModelConfig& config,
                              const Companions& companions) {
  for (const char* name : names) {
    const auto found = companions.find(name);
    const bool is_config = name == std::string_view(config_file);
    if (found == companions.end() && !is_config) {
      std::error_code ignored;
      std::filesystem::remove(folder / name, ignored);
      continue;
    }
    const auto given = found == companions.end() ? std::string_view() : found->second;
    const auto written = write_file_atomically(
        folder / name, is_config ? config_to_json(config, given) : std::string(given));
    if (!written) {
      return written;
    }
  }
  return {};
}

}  // namespace nodezero::model
