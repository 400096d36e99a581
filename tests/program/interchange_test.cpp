// SPDX-License-Identifier: BSD-3-Clause

// Models that come from other programs and go to them.

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "support/program.hpp"

namespace nodezero::test {
namespace {

namespace fs = std::filesystem;

/// Gives a model folder more token ids than its tokenizer has, as programs do to round a size up.
/// The new ones have the embedding of the first, so they are as likely.
void pad_vocabulary(const fs::path& folder, std::int64_t vocabulary) {
  const std::string file = content_of(folder / "model.safetensors");
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), sizeof length);
  const auto header = nlohmann::json::parse(file.substr(8, length));
  auto padded = nlohmann::ordered_json::object();
  std::string data;
  for (const auto& [name, tensor] : header.items()) {
    if (name == "__metadata__") {
      continue;
    }
    const auto begin = tensor["data_offsets"][0].get<std::size_t>();
    const auto end = tensor["data_offsets"][1].get<std::size_t>();
    auto shape = tensor["shape"].get<std::vector<std::int64_t>>();
    std::string numbers = file.substr(8 + length + begin, end - begin);
    if (name == "transformer.wte.weight") {
      const auto row = numbers.substr(0, numbers.size() / static_cast<std::size_t>(shape[0]));
      for (; shape[0] < vocabulary; ++shape[0]) {
        numbers += row;
      }
    }
    padded[name] = {{"dtype", "F32"},
                    {"shape", shape},
                    {"data_offsets", {data.size(), data.size() + numbers.size()}}};
    data += numbers;
  }
  const std::string text = padded.dump();
  const std::uint64_t size = text.size();
  write(folder / "model.safetensors",
        std::string(reinterpret_cast<const char*>(&size), sizeof size) + text + data);
  auto config = read_json(folder / "config.json");
  config["vocab_size"] = vocabulary;
  write(folder / "config.json", config.dump());
  fs::remove(folder / "checksums.json");
}

TEST(Interchange, EveryFolderTellsHowItsTokenizerIsToBeUsed) {
  const Folder folder;
  write_text(folder, "text.txt");
  ASSERT_EQ(run(folder, tiny_training("out", {"--steps", "4"})).exit_code, 0);
  for (const char* where : {"out", "out/best", "out/checkpoints/step-00000004"}) {
    const auto json = read_json(folder / where / "tokenizer_config.json");
    EXPECT_EQ(json.at("tokenizer_class"), "PreTrainedTokenizerFast") << where;
    EXPECT_EQ(json.at("model_max_length"), 8) << where;
  }
}

TEST(Interchange, ARunKeepsWhatStoodBesideTheModelThatItStartsFrom) {
  const Folder folder;
  write_text(folder, "text.txt");
  ASSERT_EQ(run(folder, tiny_training("first", {"--steps", "4"})).exit_code, 0);
  write(folder / "first/generation_config.json", "{\"eos_token_id\": 10}");
  write(folder / "first/special_tokens_map.json", "{\"eos_token\": \"x\"}");
  auto config = read_json(folder / "first/config.json");
  config["eos_token_id"] = 10;
  write(folder / "first/config.json", config.dump());
  ASSERT_EQ(run(folder,
                {"train", "--init", "first", "--out", "next", "--data", "text.txt", "--steps", "4"})
                .exit_code,
            0);
  ASSERT_EQ(run(folder, {"train", "--resume", "--out", "next", "--steps", "6"}).exit_code, 0);
  for (const char* where : {"next", "next/best", "next/checkpoints/step-00000006"}) {
    for (const char* name : {"generation_config.json", "special_tokens_map.json",
                             "tokenizer_config.json", "tokenizer.json"}) {
      EXPECT_EQ(content_of(folder / where / name), content_of(folder / "first" / name))
          << where << " " << name;
    }
    EXPECT_EQ(read_json(folder / where / "config.json").at("eos_token_id"), 10) << where;
  }
}

TEST(Interchange, AModelWithMoreIdsThanItsTokenizerTrainsAndNeverTakesThem) {
  const Folder folder;
  write_text(folder, "text.txt");
  ASSERT_EQ(run(folder, tiny_training("first", {"--steps", "4", "--tokenizer", "chars"})).exit_code,
            0);
  pad_vocabulary(folder / "first", 2'000);
  const auto text = run(folder, {"generate", "--model", "first", "--tokens", "50"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_EQ(text.out.find("\xEF\xBF\xBD"), std::string::npos) << text.out;
  const auto trained = run(folder, {"train", "--init", "first", "--out", "next", "--data",
                                    "text.txt", "--steps", "4", "--prompt", "the "});
  EXPECT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_EQ(trained.out.find("\xEF\xBF\xBD"), std::string::npos) << trained.out;
  EXPECT_EQ(read_json(folder / "next/config.json").at("vocab_size"), 2'000);
  const auto resumed = run(folder, {"train", "--resume", "--out", "next", "--steps", "6"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
}

TEST(Interchange, TokenFilesTakeTheVocabularyOfTheModelThatTheRunStartsFrom) {
  const Folder folder;
  write_text(folder, "text.txt");
  ASSERT_EQ(run(folder, tiny_training("first", {"--steps", "4"})).exit_code, 0);
  std::string ids;
  for (int i = 0; i < 1'000; ++i) {
    ids += std::string{static_cast<char>(i % 251), 0};
  }
  write(folder / "ids.bin", ids);
  const auto trained = run(
      folder, {"train", "--init", "first", "--out", "next", "--data", "ids.bin", "--steps", "4"});
  EXPECT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_TRUE(fs::exists(folder / "next/tokenizer.json"));
}

TEST(BytePairs, AreTrainedAndKeptWithTheRun) {
  const Folder folder;
  write_text(folder, "text.txt", 20'000);
  const auto trained =
      run(folder, tiny_training("out", {"--tokenizer", "bpe", "--vocabulary", "270", "--steps", "6",
                                        "--prompt", "the "}));
  EXPECT_EQ(trained.exit_code, 0) << trained.err;
  const auto tokenizer = content_of(folder / "out/tokenizer.json");
  EXPECT_EQ(read_json(folder / "out/tokenizer.json").at("model").at("vocab").size(), 270);
  EXPECT_EQ(read_json(folder / "out/config.json").at("eos_token_id"), 0);
  EXPECT_EQ(read_json(folder / "out/tokenizer_config.json").at("eos_token"), "<|endoftext|>");
  const auto encoded = [&] {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(folder / "out")) {
      if (entry.path().filename().string().starts_with("tokens-")) {
        found.push_back(entry.path());
      }
    }
    return found;
  };
  ASSERT_EQ(encoded().size(), 1u);
  const auto written = fs::last_write_time(encoded().front());
  const auto resumed = run(folder, {"train", "--resume", "--out", "out", "--steps", "9"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  ASSERT_EQ(encoded().size(), 1u);
  EXPECT_EQ(fs::last_write_time(encoded().front()), written);
  EXPECT_EQ(content_of(folder / "out/tokenizer.json"), tokenizer);
  const auto text =
      run(folder, {"generate", "--model", "out", "--prompt", "the ", "--tokens", "9"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_TRUE(text.out.starts_with("the ")) << text.out;
  EXPECT_EQ(run(folder, {"eval", "--model", "out", "--split", "validation"}).exit_code, 0);
  const auto loss = run(folder, {"eval", "--model", "out", "--data", "text.txt", "--json"});
  EXPECT_TRUE(nlohmann::json::parse(loss.out).at("bits_per_byte").is_number()) << loss.err;
  // A run from that model, with its tokenizer, named or not, and no other.
  const std::vector<std::string> next{"train",    "--init",  "out", "--data",
                                      "text.txt", "--steps", "3"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), next.begin(), next.end());
    return run(folder, more);
  };
  EXPECT_EQ(with({"--out", "a"}).exit_code, 0);
  EXPECT_EQ(with({"--out", "b", "--tokenizer", "out"}).exit_code, 0);
  const auto refused = with({"--out", "c", "--tokenizer", "bytes"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.err.find("another tokenizer (bpe with 270 tokens)"), std::string::npos)
      << refused.err;
  EXPECT_FALSE(fs::exists(folder / "c"));
}

TEST(BytePairs, AreTheSameWithTheTokenizerOfAFolderOrOfTheTextWithFewer) {
  const Folder folder;
  write_text(folder, "text.txt", 20'000);
  const auto trained = run(folder, tiny_training("out", {"--tokenizer", "bpe", "--steps", "1"}));
  EXPECT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_NE(trained.out.find("yields a vocabulary of"), std::string::npos) << trained.out;
  const auto small =
      run(folder, tiny_training("out2", {"--tokenizer", "bpe", "--vocabulary", "256"}));
  EXPECT_EQ(small.exit_code, 2);
  EXPECT_NE(small.err.find("at least 257"), std::string::npos) << small.err;
  EXPECT_FALSE(fs::exists(folder / "out2"));
  const auto named =
      run(folder, tiny_training("out3", {"--tokenizer", "out/tokenizer.json", "--steps", "1"}));
  EXPECT_EQ(named.exit_code, 0) << named.err;
  EXPECT_EQ(content_of(folder / "out3/tokenizer.json"), content_of(folder / "out/tokenizer.json"));
}

TEST(Tokenize, WorksInPipes) {
  const Folder folder;
  write_text(folder, "text.txt", 20'000);
  const auto trained = run(folder, {"tokenize", "--train", "--vocabulary", "300", "--data",
                                    "text.txt", "--out", "tokenizer.json"});
  EXPECT_EQ(trained.exit_code, 0) << trained.err;
  const std::string text = "the caf\xC3\xA9 \n";
  const auto ids = run(folder, {"tokenize", "--tokenizer", "tokenizer.json"}, {}, text);
  EXPECT_EQ(ids.exit_code, 0) << ids.err;
  const auto back =
      run(folder, {"tokenize", "--tokenizer", "tokenizer.json", "--decode"}, {}, ids.out);
  EXPECT_EQ(back.out, text) << ids.out;
  const auto written = run(folder, {"tokenize", "--tokenizer", "tokenizer.json", "--data",
                                    "text.txt", "--out", "ids.bin"});
  EXPECT_EQ(written.exit_code, 0) << written.err;
  const auto whole =
      run(folder, {"tokenize", "--tokenizer", "tokenizer.json", "--data", "ids.bin", "--decode"});
  EXPECT_EQ(whole.out, content_of(folder / "text.txt"));
  const auto counted =
      run(folder, {"tokenize", "--tokenizer", "tokenizer.json", "--data", "text.txt", "--count"});
  EXPECT_EQ(counted.out,
            std::to_string(fs::file_size(folder / "ids.bin") / 2) + " tokens, 20000 bytes\n");
  EXPECT_EQ(run(folder, {"tokenize", "--tokenizer", "bytes"}, {}, "ab").out, "97 98\n");
  const auto wrong = run(folder, {"tokenize", "--tokenizer", "bytes", "--decode"}, {}, "97 b");
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_NE(wrong.err.find("id number 2"), std::string::npos) << wrong.err;
}

TEST(Family, IsTrainedResumedAndTakenOver) {
  const Folder folder;
  write_text(folder, "text.txt");
  const auto trained =
      run(folder, tiny_training("out", {"--steps", "4", "--activation", "gelu-exact", "--untied",
                                        "--inner", "20", "--layer-norm-epsilon", "0.001",
                                        "--unscaled-attention", "--inverse-layer-scaling"}));
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_NE(trained.out.find("inner width 20, gelu-exact, untied output, layer norm epsilon 0.001, "
                             "unscaled attention, inverse layer scaling"),
            std::string::npos)
      << trained.out;
  const auto config = read_json(folder / "out/config.json");
  EXPECT_EQ(config.at("activation_function"), "gelu");
  EXPECT_EQ(config.at("n_inner"), 20);
  EXPECT_EQ(config.at("tie_word_embeddings"), false);
  EXPECT_EQ(read_json(folder / "out/run.json").at("options").at("activation"), "gelu-exact");

  const auto other =
      run(folder, {"train", "--resume", "--out", "out", "--steps", "6", "--activation", "relu"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_NE(other.err.find("--activation cannot change on resume: the run has 'gelu-exact'"),
            std::string::npos)
      << other.err;
  const auto resumed = run(folder, {"train", "--resume", "--out", "out", "--steps", "6"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;

  const std::vector<std::string> next{"train",    "--init",  "out", "--data",
                                      "text.txt", "--steps", "3",   "--out"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), next.begin(), next.end());
    return run(folder, more);
  };
  EXPECT_EQ(with({"next"}).exit_code, 0);
  auto taken = read_json(folder / "next/config.json");
  EXPECT_EQ(taken, read_json(folder / "out/config.json"));
  const auto refused = with({"never", "--activation", "relu"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.err.find("--activation is relu, but the model in"), std::string::npos);
  EXPECT_NE(refused.err.find("has gelu-exact: leave --activation out"), std::string::npos)
      << refused.err;

  const auto said = run(folder, {"generate", "--model", "out", "--tokens", "20", "--logprobs"});
  write(folder / "said.jsonl", said.out);
  const auto checked = run(folder, {"eval", "--model", "out", "--check", "said.jsonl"});
  EXPECT_EQ(checked.exit_code, 0) << checked.out << checked.err;
}

TEST(TensorBoard, HasAFileForEachSession) {
  const Folder folder;
  write_text(folder, "text.txt");
  ASSERT_EQ(run(folder, tiny_training("out", {"--steps", "4", "--tensorboard", "--prompt", "a"}))
                .exit_code,
            0);
  ASSERT_EQ(run(folder, {"train", "--resume", "--out", "out", "--steps", "6"}).exit_code, 0);
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(folder / "out")) {
    if (entry.path().filename().string().starts_with("events.out.tfevents.")) {
      files.push_back(content_of(entry.path()));
    }
  }
  ASSERT_EQ(files.size(), 2u);
  // The start of a session is marked only where an earlier one may have drawn the same steps.
  const std::string start("\x10\x05\x3A\x02\x08\x01");
  EXPECT_EQ(
      (files[0].find(start) != std::string::npos) + (files[1].find(start) != std::string::npos), 1);
  for (const auto& file : files) {
    for (const char* tag :
         {"train/loss", "train/learning_rate", "train/gradient_norm", "validation/loss",
          "train/tokens_per_second", "sample/1", "weights/transformer.h.0.ln_1.bias"}) {
      EXPECT_NE(file.find(tag), std::string::npos) << tag;
    }
  }
}

TEST(Prometheus, FindsTheRunsNumbersInItsFile) {
  const Folder folder;
  write_text(folder, "text.txt");
  const auto trained =
      run(folder, tiny_training("out", {"--steps", "4", "--prometheus", "run.prom"}));
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  const auto text = content_of(folder / "run.prom");
  const auto run_label =
      "{run=\"" + read_json(folder / "out/run.json").at("run").get<std::string>() + "\"}";
  for (const std::string& line : {"nodezero_training_active" + run_label + " 0\n",
                                  "nodezero_steps_total" + run_label + " 4\n",
                                  "nodezero_checkpoint_step" + run_label + " 4\n",
                                  "nodezero_validation_loss" + run_label + " "}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "in\n" << text;
  }
  const auto refused =
      run(folder, tiny_training("other", {"--steps", "4", "--prometheus", "no/such/run.prom"}));
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.err.find("no/such/run.prom"), std::string::npos) << refused.err;
  EXPECT_FALSE(fs::exists(folder / "other"));
}

TEST(Plot, DrawsARun) {
  const Folder folder;
  write_text(folder, "text.txt");
  ASSERT_EQ(run(folder, tiny_training("out", {"--steps", "8"})).exit_code, 0);
  EXPECT_EQ(run(folder, {"plot", "out", "--out", "loss.png"}).exit_code, 0);
  EXPECT_TRUE(content_of(folder / "loss.png").starts_with("\x89PNG"));
  EXPECT_EQ(run(folder, {"plot", "out", "--out", "loss.svg"}).exit_code, 0);
  EXPECT_TRUE(content_of(folder / "loss.svg").starts_with("<svg"));
  const auto text = run(folder, {"plot", "out"});
  EXPECT_NE(text.out.find("loss: . training, o validation"), std::string::npos) << text.out;
  for (const auto& [arguments, said] :
       std::initializer_list<std::pair<std::vector<std::string>, const char*>>{
           {{"plot", "out", "--out", "loss.jpg"}, "must end in .png or .svg"},
           {{"plot", "nothing"}, "has no steps"}}) {
    const auto refused = run(folder, arguments);
    EXPECT_EQ(refused.exit_code, 2);
    EXPECT_NE(refused.err.find(said), std::string::npos) << refused.err;
  }
}

TEST(Export, WritesAFolderInAnyFormOf16Or32Bits) {
  const Folder folder;
  write_text(folder, "text.txt");
  ASSERT_EQ(run(folder, tiny_training("out", {"--steps", "20", "--tokenizer", "chars"})).exit_code,
            0);
  const auto exported = [&](const std::string& type, const std::string& out) {
    return run(folder, {"export", "--model", "out", "--format", "safetensors", "--type", type,
                        "--out", out});
  };
  for (const auto& [type, dtype] :
       {std::pair{"f32", "float32"}, {"f16", "float16"}, {"bf16", "bfloat16"}}) {
    ASSERT_EQ(exported(type, type).exit_code, 0);
    EXPECT_EQ(read_json(folder / type / "config.json").at("dtype"), dtype);
    EXPECT_EQ(content_of(folder / type / "tokenizer.json"),
              content_of(folder / "out/tokenizer.json"));
    EXPECT_EQ(run(folder, {"eval", "--model", type, "--data", "text.txt"}).exit_code, 0) << type;
  }
  EXPECT_EQ(content_of(folder / "f32/model.safetensors"),
            content_of(folder / "out/model.safetensors"));
  EXPECT_LT(fs::file_size(folder / "bf16/model.safetensors"),
            fs::file_size(folder / "f32/model.safetensors") * 3 / 4);
  EXPECT_EQ(exported("q8_0", "q").exit_code, 2);
  EXPECT_EQ(exported("f16", "f16").exit_code, 2);  // it exists
  const auto into_run = run(
      folder, {"export", "--model", "out", "--format", "safetensors", "--out", "out", "--force"});
  EXPECT_EQ(into_run.exit_code, 2);
  EXPECT_NE(into_run.err.find("folder of a run"), std::string::npos) << into_run.err;
}

TEST(Export, WritesAFileThatGenerateAndEvalRead) {
  const Folder folder;
  write_text(folder, "text.txt");
  ASSERT_EQ(run(folder, tiny_training("out", {"--steps", "20", "--tokenizer", "chars"})).exit_code,
            0);
  const std::vector<std::string> exporting{"export", "--model", "out", "--out", "a.gguf"};
  const auto exported = run(folder, exporting);
  EXPECT_EQ(exported.exit_code, 0) << exported.err;
  EXPECT_EQ(run(folder, exporting).exit_code, 2);
  const auto generated = [&](const std::string& model) {
    return run(folder, {"generate", "--model", model, "--prompt", "the ", "--temperature", "0",
                        "--tokens", "40"})
        .out;
  };
  EXPECT_EQ(generated("a.gguf"), generated("out"));
  EXPECT_EQ(run(folder, {"eval", "--model", "a.gguf", "--data", "text.txt"}).exit_code, 0);
  write(folder / "a.gguf", content_of(folder / "a.gguf").substr(0, 3'000));
  const auto damaged = run(folder, {"generate", "--model", "a.gguf"});
  EXPECT_EQ(damaged.exit_code, 2);
  EXPECT_NE(damaged.err.find("a.gguf: "), std::string::npos) << damaged.err;
}

}  // namespace
}  // namespace nodezero::test
