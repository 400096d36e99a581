// SPDX-License-Identifier: BSD-3-Clause
#include "model/storage/model_folder.hpp"

#include <array>
#include <limits>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "model/files/atomic_file.hpp"
#include "model/storage/digest.hpp"
#include "model/storage/safetensors.hpp"
#include "tests/model/support/file_size_limit.hpp"
#include "tests/model/support/files.hpp"
#include "tests/model/support/small_model.hpp"
#include "tests/model/support/tiny_model.hpp"

namespace nodezero::model {
namespace {

namespace fs = std::filesystem;

Tokenizer tiny_tokenizer() {
  return Tokenizer::chars({U'a', U'b', U'c', U'd', U'e', U'f', U'g', U'h', U'i', U'\u00E9', U'\n'});
}

Companions tiny_companions() {
  return companions_of(tiny_config(), tiny_tokenizer());
}

/// The tiny model's config.json with one key set to another value, given as JSON.
std::string config_with(const std::string& key, const std::string& value) {
  auto json = nlohmann::json::parse(config_to_json(tiny_config()));
  json[key] = nlohmann::json::parse(value);
  return json.dump();
}

std::string config_without(const std::string& key) {
  auto json = nlohmann::json::parse(config_to_json(tiny_config()));
  json.erase(key);
  return json.dump();
}

// Row D14: magic numbers that did not match, the vocabulary not saved, LayerNorm not saved.
TEST(ModelFolder, ComesBackWhole) {
  const TemporaryFolder folder;
  const auto weights = tiny_weights(1);
  const auto path = folder.path() / "deep/model";
  const auto saved = save_model_folder(path, tiny_config(), weights, tiny_companions());
  ASSERT_TRUE(saved) << saved.error().message;
  EXPECT_EQ(names_in(path),
            (std::vector<std::string>{"checksums.json", "config.json", "model.safetensors",
                                      "tokenizer.json", "tokenizer_config.json"}));
  const auto loaded = load_model_folder(path);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->config, tiny_config());
  EXPECT_EQ(digest(*loaded->weights), digest(weights));
  ASSERT_TRUE(loaded->tokenizer.has_value());
  EXPECT_TRUE(std::ranges::equal(loaded->tokenizer->alphabet(), tiny_tokenizer().alphabet()));
}

TEST(ModelFolder, KeepsEveryModelOfTheFamily) {
  for (const ModelConfig& config : test::family_of(tiny_config())) {
    const TemporaryFolder folder;
    const auto weights = test::uneven_weights(config, 1);
    ASSERT_TRUE(save_model_folder(folder.path(), config, weights, tiny_companions()));
    const auto loaded = load_model_folder(folder.path());
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(loaded->config, config);
    EXPECT_EQ(digest(*loaded->weights), digest(weights));
  }
}

TEST(ModelFolder, WithoutTextHasNoTokenizer) {
  const TemporaryFolder folder;
  const auto weights = tiny_weights(1);
  ASSERT_TRUE(save_model_folder(folder.path(), tiny_config(), weights, tiny_companions()));
  ASSERT_TRUE(save_model_folder(folder.path(), tiny_config(), weights,
                                companions_of(tiny_config(), Tokenizer::none(11))));
  EXPECT_EQ(names_in(folder.path()),
            (std::vector<std::string>{"checksums.json", "config.json", "model.safetensors"}));
  EXPECT_FALSE(load_model_folder(folder.path())->tokenizer.has_value());
}

TEST(ModelFolder, LoadsTheReferenceModels) {
  const auto loaded = load_model_folder(data_folder() / "trained");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(
      loaded->config,
      (ModelConfig{
          .layers = 2, .heads = 4, .width = 32, .context = 32, .vocabulary = 52, .dropout = 0}));
  EXPECT_EQ(loaded->tokenizer->vocabulary(), 52);
  const auto reference = nlohmann::json::parse(content_of(data_folder() / "trained/ref.json"));
  const auto greedy = reference["greedy"].get<std::vector<std::int32_t>>();
  const auto text = reference["greedy_text"].get<std::string>();
  EXPECT_EQ(loaded->tokenizer->decode(greedy), text);
  EXPECT_EQ(loaded->tokenizer->encode(text), greedy);
  for (const char* name : {"steps/init", "steps/final"}) {
    const auto other = load_model_folder(data_folder() / name);
    ASSERT_TRUE(other) << other.error().message;
    EXPECT_FALSE(other->tokenizer.has_value());
  }
}

TEST(ModelFolder, WithMergesWorksOnIds) {
  const TemporaryFolder folder;
  const auto weights = tiny_weights(1);
  ASSERT_TRUE(save_model_folder(folder.path(), tiny_config(), weights, tiny_companions()));
  folder.write("tokenizer.json", R"({"model":{"vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}})");
  const auto loaded = load_model_folder(folder.path());
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->tokenizer->kind(), Tokenizer::Kind::none);
  EXPECT_EQ(loaded->tokenizer->vocabulary(), 11);
}

TEST(ModelFolder, NamesTheFileThatIsWrong) {
  const TemporaryFolder folder;
  const auto weights = tiny_weights(1);
  const auto path = folder.path() / "model";
  const auto expect = [&](ErrorCode code, const std::string& named) {
    const auto result = load_model_folder(path);
    EXPECT_NE(message_of(result).find((path / named).string()), std::string::npos)
        << message_of(result);
    EXPECT_EQ(result.error().code, code);
  };
  const auto save = [&] {
    ASSERT_TRUE(save_model_folder(path, tiny_config(), weights, tiny_companions()));
  };
  EXPECT_EQ(load_model_folder(path).error().code, ErrorCode::not_found);
  save();
  fs::remove(path / "config.json");
  expect(ErrorCode::not_found, "config.json");
  save();
  fs::remove(path / "model.safetensors");
  expect(ErrorCode::not_found, "model.safetensors");
  save();
  fs::resize_file(path / "model.safetensors", fs::file_size(path / "model.safetensors") - 1);
  expect(ErrorCode::malformed, "model.safetensors");
  save();
  folder.write("model/tokenizer.json", "{}");
  expect(ErrorCode::malformed, "tokenizer.json");
  folder.write("model/tokenizer.json", Tokenizer::bytes().to_json());
  expect(ErrorCode::malformed, "tokenizer.json");
  save();
  folder.write("model/config.json", "{}");
  expect(ErrorCode::malformed, "config.json");
  // A damaged size must not be believed before memory is asked for.
  folder.write("model/config.json", config_with("n_layer", "10000"));
  expect(ErrorCode::malformed, "model.safetensors");
  folder.write("model/config.json", config_with("vocab_size", "12"));
  expect(ErrorCode::malformed, "model.safetensors: tensor transformer.wte.weight");
}

TEST(ModelFolder, KeepsTheOldWeightsWhenSpaceRunsOut) {
  const TemporaryFolder folder;
  const auto weights = tiny_weights(1);
  ASSERT_TRUE(save_model_folder(folder.path(), tiny_config(), weights, tiny_companions()));
  {
    const FileSizeLimit limit(4'000);
    const auto result =
        save_model_folder(folder.path(), tiny_config(), tiny_weights(2), tiny_companions());
    EXPECT_EQ(result.error().code, ErrorCode::io);
  }
  EXPECT_EQ(digest(*load_model_folder(folder.path())->weights), digest(weights));
  EXPECT_EQ(names_in(folder.path()).size(), 5u);
}

TEST(ModelFolder, NoticesWeightsThatAreNotThoseItWasSavedWith) {
  const TemporaryFolder folder;
  ASSERT_TRUE(save_model_folder(folder.path(), tiny_config(), tiny_weights(1), tiny_companions()));
  auto content = *read_file(folder.path() / "model.safetensors");
  content.back() = static_cast<char>(content.back() ^ 1);
  folder.write("model.safetensors", content);
  const auto damaged = load_model_folder(folder.path());
  EXPECT_NE(message_of(damaged).find("model.safetensors: damaged"), std::string::npos)
      << message_of(damaged);
  // Without the sum nobody can know.
  fs::remove(folder.path() / "checksums.json");
  EXPECT_TRUE(load_model_folder(folder.path()));
}

TEST(ModelFolder, IsWholeBetweenWritingTheSumAndTheWeights) {
  const TemporaryFolder folder;
  ASSERT_TRUE(save_model_folder(folder.path(), tiny_config(), tiny_weights(1), tiny_companions()));
  const auto first = *read_file(folder.path() / "model.safetensors");
  ASSERT_TRUE(save_model_folder(folder.path(), tiny_config(), tiny_weights(2), tiny_companions()));
  folder.write("model.safetensors", first);
  const auto loaded = load_model_folder(folder.path());
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(digest(*loaded->weights), digest(tiny_weights(1)));
}

/// The tiny model as two shards and their index; the second holds the tensors of block 1.
void save_in_shards(const TemporaryFolder& folder) {
  ASSERT_TRUE(save_model_folder(folder.path(), tiny_config(), tiny_weights(1), tiny_companions()));
  fs::remove(folder.path() / "model.safetensors");
  const auto weights = tiny_weights(1);
  std::array<std::vector<TensorInfo>, 2> parts;
  nlohmann::json map;
  const auto shard_of = [](const std::string& name) {
    return name.find(".h.1.") == std::string::npos ? std::size_t{0} : std::size_t{1};
  };
  for (const TensorInfo& tensor : weights.layout()->tensors()) {
    TensorInfo copy;
    copy.name = tensor.name;
    copy.shape = tensor.shape;
    parts[shard_of(tensor.name)].push_back(copy);
    map[tensor.name] = shard_of(tensor.name) == 0 ? "a.safetensors" : "b.safetensors";
  }
  for (std::size_t shard = 0; shard < 2; ++shard) {
    Parameters part(std::make_shared<const TensorLayout>(parts[shard]));
    for (const TensorInfo& tensor : part.layout()->tensors()) {
      std::ranges::copy(weights[*weights.layout()->find(tensor.name)], part[tensor].begin());
    }
    ASSERT_TRUE(write_safetensors(folder.path() / (shard == 0 ? "a.safetensors" : "b.safetensors"),
                                  {{"", &part}}));
  }
  folder.write("model.safetensors.index.json", nlohmann::json{{"weight_map", map}}.dump());
}

TEST(ModelFolder, ReadsShards) {
  const TemporaryFolder folder;
  save_in_shards(folder);
  const auto loaded = load_model_folder(folder.path());
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(digest(*loaded->weights), digest(tiny_weights(1)));
}

TEST(ModelFolder, NamesTheShardThatIsMissingOrHoldsATensorTwice) {
  const TemporaryFolder folder;
  save_in_shards(folder);
  fs::remove(folder.path() / "b.safetensors");
  EXPECT_NE(message_of(load_model_folder(folder.path())).find("b.safetensors: missing"),
            std::string::npos);
  fs::copy(folder.path() / "a.safetensors", folder.path() / "b.safetensors");
  EXPECT_NE(message_of(load_model_folder(folder.path())).find("b.safetensors: tensor "),
            std::string::npos);
  folder.write("model.safetensors.index.json", R"({"weight_map":{"x":"../b.safetensors"}})");
  EXPECT_NE(message_of(load_model_folder(folder.path())).find("\"../b.safetensors\""),
            std::string::npos);
  folder.write("model.safetensors.index.json", R"({"weight_map":{}})");
  EXPECT_NE(message_of(load_model_folder(folder.path())).find("no weight_map"), std::string::npos);
}

TEST(ModelFolder, SaysWhatToDoAboutWeightsInPyTorchsForm) {
  const TemporaryFolder folder;
  ASSERT_TRUE(save_model_folder(folder.path(), tiny_config(), tiny_weights(1), tiny_companions()));
  fs::rename(folder.path() / "model.safetensors", folder.path() / "pytorch_model.bin");
  EXPECT_NE(message_of(load_model_folder(folder.path())).find("convert it with transformers"),
            std::string::npos);
}

TEST(ModelFolder, KeepsWhatAnotherProgramHasWrittenBesideTheWeights) {
  const TemporaryFolder from;
  ASSERT_TRUE(save_model_folder(from.path(), tiny_config(), tiny_weights(1), tiny_companions()));
  from.write("generation_config.json", "{\"eos_token_id\": 7}");
  from.write("tokenizer_config.json", "{\"eos_token\": \"x\"}");
  from.write("config.json", config_with("eos_token_id", "7"));
  const TemporaryFolder to;
  ASSERT_TRUE(
      save_model_folder(to.path(), tiny_config(), tiny_weights(2), *companions_in(from.path())));
  for (const char* name : {"generation_config.json", "tokenizer_config.json", "tokenizer.json"}) {
    EXPECT_EQ(content_of(to.path() / name), content_of(from.path() / name)) << name;
  }
  EXPECT_EQ(nlohmann::json::parse(content_of(to.path() / "config.json"))["eos_token_id"], 7);
  // The next model in the folder does not inherit them.
  ASSERT_TRUE(save_model_folder(to.path(), tiny_config(), tiny_weights(2), tiny_companions()));
  EXPECT_FALSE(fs::exists(to.path() / "generation_config.json"));
}

TEST(ModelFolder, TellsAutoTokenizerToUseTheTokenizerAsItIs) {
  const auto json = nlohmann::json::parse(tiny_companions().at("tokenizer_config.json"));
  EXPECT_EQ(json, (nlohmann::json{{"tokenizer_class", "PreTrainedTokenizerFast"},
                                  {"model_max_length", 8},
                                  {"clean_up_tokenization_spaces", false}}));
  // A folder that an earlier version has written gets the file, too.
  const TemporaryFolder folder;
  ASSERT_TRUE(save_model_folder(folder.path(), tiny_config(), tiny_weights(1), tiny_companions()));
  fs::remove(folder.path() / "tokenizer_config.json");
  EXPECT_TRUE(companions_in(folder.path())->contains("tokenizer_config.json"));
}

TEST(ModelFolder, NamesTheTensorThatIsNotFinite) {
  for (const float wrong :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    const TemporaryFolder folder;
    auto weights = tiny_weights(1);
    weights[*weights.layout()->find("transformer.h.0.ln_1.weight")][2] = wrong;
    ASSERT_TRUE(save_model_folder(folder.path(), tiny_config(), weights, tiny_companions()));
    const auto loaded = load_model_folder(folder.path());
    EXPECT_NE(message_of(loaded).find("tensor transformer.h.0.ln_1.weight holds"),
              std::string::npos)
        << message_of(loaded);
  }
}

TEST(ConfigJson, ComesBack) {
  auto config = tiny_config();
  config.dropout = 0.1;
  EXPECT_EQ(*config_from_json(config_to_json(config)), config);
  for (const ModelConfig& member : test::family_of(config)) {
    EXPECT_EQ(*config_from_json(config_to_json(member)), member);
  }
}

TEST(ConfigJson, HasHuggingFacesNamesForTheFamily) {
  const auto json = nlohmann::json::parse(config_to_json(test::family_of(tiny_config())[8]));
  EXPECT_EQ(json["activation_function"], "gelu");
  EXPECT_EQ(json["layer_norm_epsilon"], 1e-3);
  EXPECT_EQ(json["n_inner"], 13);
  EXPECT_EQ(json["scale_attn_by_inverse_layer_idx"], true);
  EXPECT_EQ(json["scale_attn_weights"], false);
  EXPECT_EQ(json["tie_word_embeddings"], false);
}

TEST(ConfigJson, ReadsTheOneOfThePublishedGpt2) {
  const auto config = config_from_json(R"({
    "activation_function": "gelu_new", "architectures": ["GPT2LMHeadModel"], "attn_pdrop": 0.1,
    "bos_token_id": 50256, "embd_pdrop": 0.1, "eos_token_id": 50256, "initializer_range": 0.02,
    "layer_norm_epsilon": 1e-05, "model_type": "gpt2", "n_ctx": 1024, "n_embd": 768,
    "n_head": 12, "n_layer": 12, "n_positions": 1024, "resid_pdrop": 0.1,
    "summary_activation": null, "summary_first_dropout": 0.1, "vocab_size": 50257})");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(*config, (ModelConfig{.layers = 12,
                                  .heads = 12,
                                  .width = 768,
                                  .context = 1024,
                                  .vocabulary = 50257,
                                  .dropout = 0.1}));
}

TEST(ConfigJson, AcceptsWhatMeansTheSame) {
  EXPECT_EQ(config_from_json(config_with("n_inner", "24"))->inner_width(), 24);
  EXPECT_TRUE(config_from_json(config_with("activation_function", "\"gelu_pytorch_tanh\"")));
  EXPECT_TRUE(config_from_json(config_with("architectures", "null")));
  EXPECT_TRUE(config_from_json(config_without("tie_word_embeddings")));
}

TEST(ConfigJson, ReadsTheOneOf2019) {
  const auto config = config_from_json(R"({"initializer_range": 0.02, "layer_norm_epsilon": 1e-05,
    "n_ctx": 1024, "n_embd": 768, "n_head": 12, "n_layer": 12, "n_positions": 1024,
    "vocab_size": 50257})");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->context, 1024);
}

TEST(ConfigJson, TakesTheContextFromNPositionsOrElseFromNCtx) {
  EXPECT_EQ(config_from_json(config_with("n_ctx", "16"))->context, 8);
  auto json = nlohmann::json::parse(config_without("n_positions"));
  json["n_ctx"] = 16;
  EXPECT_EQ(config_from_json(json.dump())->context, 16);
}

TEST(ConfigJson, ReadsSizesThatAreWrittenWithAFraction) {
  EXPECT_EQ(config_from_json(config_with("n_layer", "2.0"))->layers, 2);
  EXPECT_FALSE(config_from_json(config_with("n_layer", "2.5")));
  EXPECT_FALSE(config_from_json(config_with("n_layer", "1e300")));
}

TEST(ConfigJson, ReadsDropoutsThatDiffer) {
  const auto config = config_from_json(config_with("attn_pdrop", "0.5"));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->dropout, 0.125);
}

TEST(ConfigJson, KeepsTheIdsOfSpecialTokens) {
  const auto json = nlohmann::json::parse(config_to_json(
      tiny_config(), R"({"bos_token_id": 3, "eos_token_id": [4, 5], "n_layer": 9})"));
  EXPECT_EQ(json["bos_token_id"], 3);
  EXPECT_EQ(json["eos_token_id"], nlohmann::json({4, 5}));
  EXPECT_FALSE(json.contains("pad_token_id"));
  EXPECT_EQ(json["n_layer"], 2);
}

TEST(ConfigJson, HasTheLibrarysDropoutWhereNoneIsGiven) {
  auto json = nlohmann::json::parse(config_to_json(tiny_config()));
  for (const char* key : {"resid_pdrop", "embd_pdrop", "attn_pdrop"}) {
    json.erase(key);
  }
  EXPECT_EQ(config_from_json(json.dump())->dropout, 0.1);
}

TEST(ConfigJson, RefusesByNameWhatCannotBeRun) {
  const std::pair<const char*, const char*> cases[] = {
      {"activation_function", "\"swish\""},
      {"layer_norm_epsilon", "0"},
      {"tie_word_embeddings", "1"},
      {"scale_attn_by_inverse_layer_idx", "null"},
      {"scale_attn_weights", "\"no\""},
      {"add_cross_attention", "true"},
      {"n_inner", "0"},
      {"model_type", "\"llama\""},
      {"architectures", "[\"GPT2ForSequenceClassification\"]"},
      {"n_layer", "-1"},
      {"n_head", "2.5"},
      {"n_embd", "\"6\""},
      {"n_positions", "99999999999"},
      {"resid_pdrop", "1.5"},
      {"attn_pdrop", "\"0.5\""},
  };
  for (const auto& [key, value] : cases) {
    const auto result = config_from_json(config_with(key, value));
    EXPECT_NE(message_of(result).find(key), std::string::npos) << message_of(result);
    EXPECT_EQ(result.error().code, ErrorCode::malformed);
  }
  for (const char* key : {"n_layer", "n_head", "n_embd", "n_positions", "vocab_size"}) {
    EXPECT_NE(message_of(config_from_json(config_without(key))).find(key), std::string::npos);
  }
  EXPECT_FALSE(config_from_json(R"({"afn": "gelu", "n_embd": 6})"));  // the first GPT's
  EXPECT_FALSE(config_from_json(config_with("n_head", "4")));
  EXPECT_FALSE(config_from_json("[]"));
  EXPECT_FALSE(config_from_json(""));
}

}  // namespace
}  // namespace nodezero::model
