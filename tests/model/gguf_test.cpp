// SPDX-License-Identifier: BSD-3-Clause
#include <cmath>
#include <cstring>
#include <functional>

#include <gtest/gtest.h>

#include "model/gpt2/generation.hpp"
#include "model/interchange/gguf_file.hpp"
#include "model/interchange/gguf_model.hpp"
#include "model/storage/digest.hpp"
#include "tests/model/support/byte_pairs.hpp"
#include "tests/model/support/files.hpp"
#include "tests/model/support/small_model.hpp"
#include "tests/model/support/tiny_model.hpp"

namespace nodezero::model {
namespace {

namespace fs = std::filesystem;

/// Rows of 32, so that they are whole blocks.
ModelFolder example(const Tokenizer& tokenizer) {
  const ModelConfig config{
      .layers = 2, .heads = 2, .width = 32, .context = 8, .vocabulary = tokenizer.vocabulary()};
  auto weights = std::make_shared<Parameters>(gpt2_layout(config));
  fill_with_noise(3, *weights);
  for (float& gain : (*weights)[*weights->layout()->find("transformer.ln_f.weight")]) {
    gain += 1;
  }
  return {config, std::move(weights), tokenizer};
}

Tokenizer characters() {
  return Tokenizer::chars({U'a', U'b', U' ', U'\n', U'\u00E9', U'\u20AC', U'\U0001F600'});
}

TEST(Gguf, ComesBackWithItsTokenizer) {
  const TemporaryFolder folder;
  for (const auto& tokenizer :
       {Tokenizer::bytes(), characters(), Tokenizer::bpe(small_byte_pairs())}) {
    const auto model = example(tokenizer);
    const auto path = folder.path() / "a.gguf";
    const auto remark = export_gguf(path, model, NumberForm::f32, "a");
    ASSERT_TRUE(remark) << remark.error().message;
    EXPECT_EQ(*remark, "");
    const auto loaded = load_gguf(path);
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(loaded->tokenizer_problem, "");
    EXPECT_EQ(loaded->tokenizer->to_json(), tokenizer.to_json());
    for (const TensorInfo& info : model.weights->layout()->tensors()) {
      const auto found = (*loaded->weights)[*loaded->weights->layout()->find(info.name)];
      EXPECT_TRUE(std::ranges::equal(found.first(info.size), (*model.weights)[info])) << info.name;
    }
  }
}

TEST(Gguf, KeepsWhatLlamaCppKnowsOfTheFamilyAndRefusesTheRest) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.gguf";
  const auto example_of = [](const ModelConfig& config) {
    return ModelFolder{config, std::make_shared<Parameters>(test::uneven_weights(config, 3)),
                       Tokenizer::bytes()};
  };
  const ModelConfig gpt2{.layers = 2, .heads = 2, .width = 32, .context = 8, .vocabulary = 256};
  auto kept = gpt2;
  kept.inner = 96;
  kept.layer_norm_epsilon = 3e-5;
  kept.untied = true;
  const auto model = example_of(kept);
  for (const auto form : {NumberForm::f32, NumberForm::f16, NumberForm::q8_0}) {
    ASSERT_EQ(export_gguf(path, model, form, "a").value(), "");
    const auto loaded = load_gguf(path);
    ASSERT_TRUE(loaded) << loaded.error().message;
    auto expected = kept;
    expected.vocabulary = 257;  // and the end token
    EXPECT_EQ(loaded->config, expected);
    for (const TensorInfo& info : model.weights->layout()->tensors()) {
      const auto found = (*loaded->weights)[*loaded->weights->layout()->find(info.name)];
      const auto wanted = (*model.weights)[info];
      EXPECT_TRUE(form != NumberForm::f32 || std::ranges::equal(found.first(info.size), wanted))
          << info.name;
    }
    const std::vector<std::int32_t> prompt{72, 105};
    EXPECT_NEAR(logits(loaded->config, loaded->weights, prompt)[256], -100, 0.5);
  }
  for (const auto& [what, change] :
       std::initializer_list<std::pair<const char*, std::function<void(ModelConfig&)>>>{
           {"exact GELU", [](auto& config) { config.activation = Activation::gelu_exact; }},
           {"ReLU", [](auto& config) { config.activation = Activation::relu; }},
           {"unscaled attention", [](auto& config) { config.unscaled_attention = true; }},
           {"scaled by its layer", [](auto& config) { config.inverse_layer_scaling = true; }}}) {
    auto config = gpt2;
    change(config);
    EXPECT_NE(message_of(export_gguf(path, example_of(config), NumberForm::f32, "a")).find(what),
              std::string::npos);
  }
}

TEST(Gguf, HasAnEndTokenThatIsNeverTaken) {
  const TemporaryFolder folder;
  for (const auto form : {NumberForm::f32, NumberForm::f16, NumberForm::bf16, NumberForm::q8_0}) {
    const auto model = example(characters());
    const auto path = folder.path() / "a.gguf";
    ASSERT_EQ(export_gguf(path, model, form, "a").value(), "");
    const auto file = GgufFile::open(path);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->value("tokenizer.ggml.eos_token_id"), 7);
    EXPECT_EQ(file->value("tokenizer.ggml.token_type").back(), 3);
    const auto loaded = load_gguf(path);
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(loaded->config.vocabulary, 8);
    const auto all =
        logits(loaded->config, loaded->weights, std::vector<std::int32_t>{0, 5, 1, 2, 6, 3, 4, 1});
    for (std::size_t at = 7; at < all.size(); at += 8) {
      EXPECT_NEAR(all[at], -100, 0.5);
    }
  }
}

TEST(Gguf, SaysWhereNoEndTokenCanBeAdded) {
  const TemporaryFolder folder;
  const auto without_bias = [](const Tokenizer& tokenizer) {
    auto model = example(tokenizer);
    auto weights = std::make_shared<Parameters>(model.weights->layout());
    std::ranges::copy(model.weights->values(), weights->values().begin());
    std::ranges::fill((*weights)[*weights->layout()->find("transformer.ln_f.bias")], 0.0f);
    model.weights = weights;
    return model;
  };
  const auto bytes =
      export_gguf(folder.path() / "a.gguf", without_bias(Tokenizer::bytes()), NumberForm::f32, "a");
  EXPECT_NE(bytes.value().find("byte 255"), std::string::npos);
  EXPECT_EQ(GgufFile::open(folder.path() / "a.gguf")->value("tokenizer.ggml.eos_token_id"), 255);
  const auto chars =
      export_gguf(folder.path() / "b.gguf", without_bias(characters()), NumberForm::f16, "a");
  EXPECT_NE(chars.value().find("logit 0"), std::string::npos);
}

TEST(Gguf, RoundsNumbersToTheirForm) {
  const TemporaryFolder folder;
  const auto model = example(Tokenizer::bpe(small_byte_pairs()));
  const std::pair<NumberForm, double> forms[] = {
      {NumberForm::f16, 3e-4}, {NumberForm::bf16, 2e-3}, {NumberForm::q8_0, 2.3e-3}};
  for (const auto& [form, most] : forms) {
    const auto path = folder.path() / "a.gguf";
    ASSERT_TRUE(export_gguf(path, model, form, "a"));
    const auto loaded = load_gguf(path);
    ASSERT_TRUE(loaded) << loaded.error().message;
    double largest = 0;
    const auto expected = model.weights->values();
    const auto found = loaded->weights->values();
    for (std::size_t i = 0; i < expected.size(); ++i) {
      largest = std::max(largest, std::abs(static_cast<double>(expected[i]) - found[i]));
    }
    EXPECT_LE(largest, most) << static_cast<int>(form);
    EXPECT_GT(largest, most / 20);
  }
}

TEST(Gguf, NeedsATokenizerAndWholeBlocks) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.gguf";
  EXPECT_NE(message_of(export_gguf(path, example(Tokenizer::none(9)), NumberForm::f32, "a"))
                .find("no tokenizer"),
            std::string::npos);
  const ModelFolder narrow{tiny_config(), std::make_shared<Parameters>(tiny_weights(1)),
                           Tokenizer::chars({U'a', U'b'})};
  EXPECT_NE(message_of(export_gguf(path, narrow, NumberForm::q8_0, "a")).find("multiples of 32"),
            std::string::npos);
  EXPECT_FALSE(fs::exists(path));
}

TEST(Gguf, IsRefusedWhereverItIsCutShort) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.gguf";
  ASSERT_TRUE(export_gguf(path, example(characters()), NumberForm::q8_0, "a"));
  const auto whole = content_of(path);
  for (std::size_t size = 0; size < whole.size(); size += size < 3'000 ? 7 : 997) {
    folder.write("a.gguf", whole.substr(0, size));
    EXPECT_FALSE(load_gguf(path)) << size;
  }
}

TEST(Gguf, IsRefusedWhereALengthIsBeyondAllBounds) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.gguf";
  ASSERT_TRUE(export_gguf(path, example(characters()), NumberForm::f32, "a"));
  const auto whole = content_of(path);
  const std::uint64_t huge = std::uint64_t{1} << 60;
  // Of tensors, of values, of the first key, of the first value, and of a tensor's dimension.
  const auto dimension = whole.find("token_embd.weight") + 17 + 4;
  for (const std::size_t at : {std::size_t{8}, std::size_t{16}, std::size_t{24},
                               std::size_t{24 + 8 + 20 + 4}, dimension}) {
    auto damaged = whole;
    std::memcpy(damaged.data() + at, &huge, sizeof huge);
    folder.write("a.gguf", damaged);
    message_of(load_gguf(path));
  }
}

TEST(Gguf, NamesWhatCannotBeRun) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.gguf";
  ASSERT_TRUE(export_gguf(path, example(characters()), NumberForm::f32, "a"));
  const auto whole = content_of(path);
  const std::pair<std::string, std::string> changes[] = {
      {"GGUF", "GGML"},
      {"ffn_down.weight", "ffn_gate.weight"},
      {"gpt2.block_count", "gpt2.block_counx"},
      {"token_embd.weight", "token_embe.weight"},
  };
  for (const auto& [from, to] : changes) {
    auto changed = whole;
    changed.replace(changed.find(from), from.size(), to);
    folder.write("a.gguf", changed);
    EXPECT_NE(message_of(load_gguf(path)).find("a.gguf: "), std::string::npos);
  }
  auto changed = whole;
  changed.replace(changed.find("gpt-2"), 5, "qwen2");
  folder.write("a.gguf", changed);
  const auto loaded = load_gguf(path);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->tokenizer->kind(), Tokenizer::Kind::none);
  EXPECT_NE(loaded->tokenizer_problem.find("qwen2"), std::string::npos);
}

}  // namespace
}  // namespace nodezero::model
