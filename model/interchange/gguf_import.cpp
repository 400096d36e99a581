// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "model/gpt2/gpt2_layout.hpp"
#include "model/interchange/gguf_file.hpp"
#include "model/interchange/gguf_model.hpp"
#include "model/interchange/gguf_names.hpp"
#include "model/interchange/gguf_tokens.hpp"

namespace nodezero::model {
namespace {

class Import {
 public:
  explicit Import(const GgufFile& file) : file_(file) {}

  Result<ModelFolder> model();

 private:
  tl::unexpected<Error> malformed(const std::string& what) const {
    return fail(ErrorCode::malformed, fmt::format("{}: {}", file_.path().string(), what));
  }
  Result<void> read_config();
  Result<void> read_weights();
  Result<void> read_tensor(const TensorInfo& info, const GgufTensor& tensor, std::span<float> out);
  Result<bool> is_untied();
  void read_tokenizer();

  const GgufFile& file_;
  ModelFolder model_;
};

std::string shown(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<void> Import::read_config() {
  if (file_.value("general.architecture") != "gpt2") {
    return malformed(fmt::format("has general.architecture {}; only \"gpt2\" is supported",
                                 shown(file_.value("general.architecture"))));
  }
  ModelConfig& config = model_.config;
  const struct {
    const char* key;
    std::int64_t& value;
  } sizes[] = {{"gpt2.context_length", config.context},
               {"gpt2.embedding_length", config.width},
               {"gpt2.block_count", config.layers},
               {"gpt2.attention.head_count", config.heads},
               {"gpt2.feed_forward_length", config.inner}};
  for (const auto& [key, value] : sizes) {
    const auto& given = file_.value(key);
    if (!given.is_number_integer() || given.get<std::int64_t>() < 1 ||
        given.get<std::int64_t>() > INT32_MAX) {
      return malformed(
          fmt::format("has {} {}; it must be a positive 32-bit integer", key, shown(given)));
    }
    value = given.get<std::int64_t>();
  }
  const auto& epsilon = file_.value("gpt2.attention.layer_norm_epsilon");
  if (!epsilon.is_number()) {
    return malformed(fmt::format("has layer_norm_epsilon {}; it must be a number", shown(epsilon)));
  }
  // The shortest decimal that gives the file's float, as people write it.
  config.layer_norm_epsilon =
      std::stod(fmt::format("{}", static_cast<float>(epsilon.get<double>())));
  config.inner = config.inner == 4 * config.width ? 0 : config.inner;
  const auto embedding = file_.tensors().find("token_embd.weight");
  if (embedding == file_.tensors().end() || embedding->second.shape.size() != 2) {
    return malformed("has no matrix token_embd.weight");
  }
  config.vocabulary =
      static_cast<std::int64_t>(std::min<std::uint64_t>(embedding->second.shape[1], INT32_MAX));
  if (auto valid = validate(config); !valid) {
    return malformed("describes a model that is not supported: " + valid.error().message);
  }
  const auto untied = is_untied();
  if (!untied) {
    return tl::unexpected(untied.error());
  }
  config.untied = *untied;
  return {};
}

Result<void> Import::read_weights() {
  const auto layout = gpt2_layout(model_.config);
  std::uint64_t numbers = 0;
  for (const auto& [name, tensor] : file_.tensors()) {
    numbers += tensor.count;
  }
  // Before anything of the size that a damaged file asks for is allocated.
  if (layout->parameter_count() > numbers) {
    return malformed(
        fmt::format("holds {} numbers, too few for the {} of the model that it "
                    "describes",
                    numbers, layout->parameter_count()));
  }
  auto weights = std::make_shared<Parameters>(layout);
  std::set<std::string> known{"output.weight"};  // some files repeat a tied output
  for (const TensorInfo& info : layout->tensors()) {
    const auto name = gguf_name_of(info.name);
    known.insert(name);
    const auto found = file_.tensors().find(name);
    if (found == file_.tensors().end()) {
      return malformed(fmt::format("tensor {} is missing", name));
    }
    if (auto read = read_tensor(info, found->second, (*weights)[info]); !read) {
      return read;
    }
  }
  for (const auto& [name, tensor] : file_.tensors()) {
    if (!known.contains(name)) {
      return malformed(fmt::format("tensor {} is not part of the model", name));
    }
  }
  model_.weights = std::move(weights);
  return check_finite(*model_.weights, file_.path());
}

Result<void> Import::read_tensor(const TensorInfo& info, const GgufTensor& tensor,
                                 std::span<float> out) {
  std::vector<std::uint64_t> wanted(info.shape.begin(), info.shape.end());
  const bool transposed = is_transposed(info.name);
  if (!transposed) {
    std::ranges::reverse(wanted);
  }
  if (tensor.shape != wanted) {
    return malformed(fmt::format("tensor {} has the dimensions [{}], but the model needs [{}]",
                                 gguf_name_of(info.name), fmt::join(tensor.shape, ", "),
                                 fmt::join(wanted, ", ")));
  }
  if (!transposed) {
    return file_.read(tensor, out);
  }
  std::vector<float> numbers(out.size());
  if (auto read = file_.read(tensor, numbers); !read) {
    return read;
  }
  const std::size_t rows = wanted[0];
  const std::size_t columns = wanted[1];
  for (std::size_t column = 0; column < columns; ++column) {
    for (std::size_t row = 0; row < rows; ++row) {
      out[row * columns + column] = numbers[column * rows + row];
    }
  }
  return {};
}

/// Whether there is an output of its own: some writers repeat the token embedding as one.
Result<bool> Import::is_untied() {
  const auto output = file_.tensors().find("output.weight");
  if (output == file_.tensors().end()) {
    return false;
  }
  const auto& embedding = file_.tensors().at("token_embd.weight");
  if (output->second.shape != embedding.shape) {
    return malformed("tensor output.weight has another shape than token_embd.weight");
  }
  if (output->second.form != embedding.form) {
    return true;
  }
  std::vector<float> of_output(output->second.count), of_embedding(embedding.count);
  return file_.read(output->second, of_output)
      .and_then([&] { return file_.read(embedding, of_embedding); })
      .map([&] { return of_output != of_embedding; });
}

/// A tokenizer that cannot be run leaves a model that works on token files.
void Import::read_tokenizer() {
  model_.tokenizer = Tokenizer::none(model_.config.vocabulary);
  const auto refuse = [&](const std::string& what) {
    model_.tokenizer_problem = fmt::format("{}: its tokenizer {}", file_.path().string(), what);
  };
  const auto& kind = file_.value("tokenizer.ggml.model");
  const auto& pre = file_.value("tokenizer.ggml.pre");
  if (kind != "gpt2" || (!pre.is_null() && pre != "gpt-2" && pre != "default")) {
    refuse(fmt::format("is of the kind {} {}; only GPT-2's is supported", shown(kind), shown(pre)));
    return;
  }
  GgufTokens tokens;
  const auto texts = [&](const char* key, std::vector<std::string>& out) {
    const auto& given = file_.value(key);
    const auto is_text = [](const nlohmann::json& value) { return value.is_string(); };
    if (given.is_array() && std::ranges::all_of(given, is_text)) {
      out = given.get<std::vector<std::string>>();
    }
  };
  texts("tokenizer.ggml.tokens", tokens.tokens);
  texts("tokenizer.ggml.merges", tokens.merges);
  for (const auto& type : file_.value("tokenizer.ggml.token_type")) {
    tokens.types.push_back(type.is_number_integer() ? type.get<std::int32_t>() : 0);
  }
  tokens.types.resize(tokens.tokens.size(), GgufTokens::normal);
  if (static_cast<std::int64_t>(tokens.tokens.size()) != model_.config.vocabulary) {
    refuse(fmt::format("has {} tokens, but the model {}", tokens.tokens.size(),
                       model_.config.vocabulary));
    return;
  }
  auto tokenizer = tokenizer_of(tokens);
  if (!tokenizer) {
    refuse(tokenizer.error().message);
    return;
  }
  model_.tokenizer = std::move(*tokenizer);
}

Result<ModelFolder> Import::model() {
  if (auto read = read_config(); !read) {
    return tl::unexpected(read.error());
  }
  if (auto read = read_weights(); !read) {
    return tl::unexpected(read.error());
  }
  read_tokenizer();
  return std::move(model_);
}

}  // namespace

Result<ModelFolder> load_gguf(const std::filesystem::path& path) {
  return GgufFile::open(path).and_then([](const GgufFile& file) { return Import(file).model(); });
}

}  // namespace nodezero::model
