// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include "model/files/atomic_file.hpp"
#include "model/interchange/end_token.hpp"
#include "model/interchange/gguf_file.hpp"
#include "model/interchange/gguf_model.hpp"
#include "model/interchange/gguf_names.hpp"
#include "model/interchange/gguf_tokens.hpp"

namespace nodezero::model {
namespace {

/// llama.cpp's numbers for what most of a file's tensors are.
std::uint32_t file_type(NumberForm form) {
  switch (form) {
    case NumberForm::f32:
      return 0;
    case NumberForm::f16:
      return 1;
    case NumberForm::q8_0:
      return 7;
    case NumberForm::bf16:
      break;
  }
  return 32;
}

/// The end token of an exported model.
struct End {
  std::int32_t id = 0;
  std::vector<float> row = {};  ///< of a token that is added; empty if the model has it
  NumberForm output;            ///< the form of the output's matrix
  std::string remark = {};
};

End end_of(const ModelFolder& model, NumberForm form) {
  const auto& tokenizer = *model.tokenizer;
  if (tokenizer.end_token() >= 0) {
    return {.id = tokenizer.end_token(), .output = form};
  }
  const auto added = static_cast<std::int32_t>(model.config.vocabulary);
  const auto precise = form == NumberForm::f32 ? form : NumberForm::f16;
  if (auto found = find_end_row(model.config, *model.weights, precise)) {
    return {.id = added, .row = std::move(found->row), .output = found->form};
  }
  if (tokenizer.kind() == Tokenizer::Kind::bytes) {
    return {.id = 255,
            .output = form,
            .remark =
                "no end token can be added that is never taken, so byte 255, which no text "
                "has, ends a text"};
  }
  return {.id = added,
          .row = std::vector<float>(static_cast<std::size_t>(model.config.width)),
          .output = form,
          .remark =
              "no end token can be added that is never taken, so the one that was added has "
              "the logit 0 and may end a text early; train the model further"};
}

void put_values(const ModelConfig& config, NumberForm form, const std::string& name,
                const GgufTokens& tokens, const End& end, GgufWriter& file) {
  const auto size = [](std::int64_t number) { return static_cast<std::uint32_t>(number); };
  file.put("general.architecture", std::string_view("gpt2"));
  file.put("general.type", std::string_view("model"));
  file.put("general.name", std::string_view(name));
  file.put("general.file_type", file_type(form));
  file.put("general.quantization_version", std::uint32_t{2});
  file.put("gpt2.context_length", size(config.context));
  file.put("gpt2.embedding_length", size(config.width));
  file.put("gpt2.block_count", size(config.layers));
  file.put("gpt2.feed_forward_length", size(config.inner_width()));
  file.put("gpt2.attention.head_count", size(config.heads));
  file.put("gpt2.attention.layer_norm_epsilon", static_cast<float>(config.layer_norm_epsilon));
  file.put("tokenizer.ggml.model", std::string_view("gpt2"));
  file.put("tokenizer.ggml.pre", std::string_view("gpt-2"));
  file.put("tokenizer.ggml.tokens", tokens.tokens);
  file.put("tokenizer.ggml.token_type", tokens.types);
  file.put("tokenizer.ggml.merges", tokens.merges);
  file.put("tokenizer.ggml.bos_token_id", static_cast<std::uint32_t>(end.id));
  file.put("tokenizer.ggml.eos_token_id", static_cast<std::uint32_t>(end.id));
  file.put("tokenizer.ggml.add_bos_token", false);
}

void add_tensor(const TensorInfo& info, std::span<const float> values, NumberForm form, bool untied,
                const End& end, GgufWriter& file) {
  const auto name = gguf_name_of(info.name);
  if (info.shape.size() == 1) {
    file.add(name, {values.size()}, NumberForm::f32, [values](std::uint64_t, std::span<float> out) {
      std::ranges::copy(values, out.begin());
    });
    return;
  }
  const auto rows = static_cast<std::uint64_t>(info.shape[0]);
  const auto columns = static_cast<std::uint64_t>(info.shape[1]);
  if (is_transposed(info.name)) {
    file.add(name, {rows, columns}, form,
             [values, columns](std::uint64_t column, std::span<float> out) {
               for (std::size_t row = 0; row < out.size(); ++row) {
                 out[row] = values[row * columns + column];
               }
             });
    return;
  }
  // An end token that is added has a row in the embedding as well, even where the output is untied.
  const bool has_tokens = name.starts_with("token_embd") || name.starts_with("output");
  const bool is_output = name.starts_with(untied ? "output" : "token_embd");
  const auto more = has_tokens && !end.row.empty() ? 1 : 0;
  file.add(name, {columns, rows + static_cast<std::uint64_t>(more)},
           is_output    ? end.output
           : has_tokens ? form
                        : NumberForm::f32,
           [values, columns, rows, &end](std::uint64_t row, std::span<float> out) {
             const auto from = row < rows ? values.subspan(row * columns, columns)
                                          : std::span<const float>(end.row);
             std::ranges::copy(from, out.begin());
           });
}

/// llama.cpp computes GPT-2 itself, and knows nothing of some of its family.
Result<void> check_expressible(const ModelConfig& config) {
  const char* const what = config.activation == Activation::gelu_exact ? "exact GELU"
                           : config.activation == Activation::relu     ? "ReLU"
                           : config.unscaled_attention                 ? "unscaled attention"
                           : config.inverse_layer_scaling ? "attention that is scaled by its layer"
                                                          : nullptr;
  if (what == nullptr) {
    return {};
  }
  return fail(ErrorCode::invalid_argument,
              fmt::format("the model has {}, which llama.cpp's GPT-2 has not; export it as "
                          "safetensors",
                          what));
}

}  // namespace

Result<std::string> export_gguf(const std::filesystem::path& path, const ModelFolder& model,
                                NumberForm form, const std::string& name) {
  const auto& config = model.config;
  if (auto checked = check_expressible(config); !checked) {
    return tl::unexpected(checked.error());
  }
  if (!model.tokenizer || model.tokenizer->kind() == Tokenizer::Kind::none) {
    return fail(ErrorCode::invalid_argument,
                model.tokenizer_problem.empty()
                    ? "the model has no tokenizer, which GGUF must have; put its tokenizer.json "
                      "into the folder"
                    : model.tokenizer_problem);
  }
  if (form == NumberForm::q8_0 &&
      (config.width % static_cast<std::int64_t>(q8_block) != 0 ||
       config.inner_width() % static_cast<std::int64_t>(q8_block) != 0)) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("q8_0 needs widths that are multiples of {}, and the model has {} and "
                            "{} inside the MLP; choose another type",
                            q8_block, config.width, config.inner_width()));
  }
  const End end = end_of(model, form);
  auto tokens = gguf_tokens_of(*model.tokenizer, config.vocabulary);
  if (!end.row.empty()) {
    tokens.tokens.emplace_back("<|endoftext|>");
    tokens.types.push_back(GgufTokens::control);
  }
  GgufWriter file;
  put_values(config, form, name, tokens, end, file);
  for (const TensorInfo& info : model.weights->layout()->tensors()) {
    add_tensor(info, (*model.weights)[info], form, config.untied, end, file);
  }
  return replace_file_atomically(path, [&](const auto& temporary) { return file.write(temporary); })
      .map([&] { return end.remark; });
}

}  // namespace nodezero::model
