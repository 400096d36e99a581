// SPDX-License-Identifier: BSD-3-Clause

// What can be done with a model once it is there: generate, eval and digest, on a run folder
// and on a plain model folder.

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "support/program.hpp"

namespace nodezero::test {
namespace {

namespace fs = std::filesystem;

void expect_refused(const Ended& ended, const std::string& says) {
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_EQ(ended.out, "");
  EXPECT_TRUE(ended.err.starts_with("nodezero: error: ")) << ended.err;
  EXPECT_EQ(std::count(ended.err.begin(), ended.err.end(), '\n'), 1) << ended.err;
  EXPECT_NE(ended.err.find(says), std::string::npos) << ended.err;
}

/// A small model of characters, trained once for all tests of this file: as run folder `run`,
/// and its files alone as `model`.
class Model : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new Folder;
    write_text(*folder_, "text.txt");
    trained_ = run(*folder_, tiny_training("run", {"--tokenizer", "chars", "--steps", "12",
                                                   "--checkpoint-every", "5"}));
    fs::create_directory(*folder_ / "model");
    for (const char* file : {"config.json", "model.safetensors", "tokenizer.json"}) {
      fs::copy_file(*folder_ / "run" / file, *folder_ / "model" / file);
    }
  }
  static void TearDownTestSuite() { delete folder_; }
  void SetUp() override { ASSERT_EQ(trained_.exit_code, 0) << trained_.err; }

  static const Folder& folder() { return *folder_; }
  static std::string content(const std::string& file) {
    std::ifstream stream(folder() / file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  static std::string prompt() { return content("text.txt").substr(0, 5); }
  static Ended generate(std::vector<std::string> more) {
    more.insert(more.begin(), {"generate", "--model", "run"});
    return run(folder(), more);
  }
  static nlohmann::json evaluate(std::vector<std::string> more) {
    more.insert(more.begin(), {"eval", "--json", "--model"});
    const auto ended = run(folder(), more);
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    return nlohmann::json::parse(ended.out);
  }

 private:
  static inline Folder* folder_ = nullptr;
  static inline Ended trained_;
};

TEST_F(Model, GeneratesThePromptAndAsManyTokensAsAskedFor) {
  const auto ended = generate({"--prompt", prompt(), "--tokens", "40"});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.err, "");
  EXPECT_TRUE(ended.out.starts_with(prompt()));
  EXPECT_EQ(ended.out.size(), prompt().size() + 40);
}

TEST_F(Model, GeneratesTheSameTextForTheSameSeedAlone) {
  const auto text = [&](std::vector<std::string> more) {
    more.insert(more.end(), {"--prompt", prompt(), "--tokens", "60"});
    return generate(more).out;
  };
  EXPECT_EQ(text({"--seed", "1"}), text({"--seed", "1"}));
  EXPECT_NE(text({"--seed", "1"}), text({"--seed", "2"}));
  EXPECT_EQ(text({"--temperature", "0", "--seed", "1"}),
            text({"--temperature", "0", "--seed", "2"}));
  EXPECT_EQ(text({"--top-k", "1", "--seed", "1"}), text({"--temperature", "0"}));
}

TEST_F(Model, GeneratesInBf16WithRoundedWeights) {
  const std::vector<std::string> options{"--prompt", prompt(),        "--tokens",
                                         "1000",     "--temperature", "0.01"};
  const auto fp32 = generate(options);
  auto with_bf16 = options;
  with_bf16.insert(with_bf16.end(), {"--precision", "bf16"});
  const auto bf16 = generate(with_bf16);
  EXPECT_EQ(bf16.exit_code, 0) << bf16.err;
  EXPECT_EQ(bf16.out.size(), fp32.out.size());
  EXPECT_NE(bf16.out, fp32.out);
}

TEST_F(Model, RefusesWhatItCannotContinue) {
  expect_refused(generate({"--precision", "fp8"}), "--precision");
  expect_refused(generate({"--prompt", "\xC3\xA9"}), "U+00E9");
  expect_refused(generate({"--prompt", ""}), "--prompt must have at least one character");
  expect_refused(generate({"--tokens", "-1"}), "--tokens");
  expect_refused(generate({"--temperature", "-0.5"}), "--temperature");
  expect_refused(generate({"--temperature", "nan"}), "--temperature");
  expect_refused(generate({"--top-p", "1.5"}), "--top-p");
  expect_refused(generate({"--top-p", "0"}), "--top-p must be above 0");
  expect_refused(generate({"--flavour", "mild"}), "--flavour");
}

TEST_F(Model, EvaluatesAPartOfItsRunAsTheFilesThemselves) {
  const auto text = content("text.txt");
  const auto border = static_cast<std::size_t>(0.9 * static_cast<double>(text.size()));
  std::ofstream(folder() / "head.txt") << text.substr(0, border);
  std::ofstream(folder() / "tail.txt") << text.substr(border);
  EXPECT_EQ(evaluate({"run", "--split", "validation"}), evaluate({"model", "--data", "tail.txt"}));
  EXPECT_EQ(evaluate({"run", "--split", "train"}), evaluate({"model", "--data", "head.txt"}));
  EXPECT_NE(evaluate({"model", "--data", "head.txt"}), evaluate({"model", "--data", "tail.txt"}));
}

TEST_F(Model, EvaluatesTheBestVersionOnTheValidationPartOfItsRun) {
  ASSERT_TRUE(fs::exists(folder() / "run/best/model.safetensors"));
  const auto best = evaluate({"run/best", "--split", "validation"});
  EXPECT_LE(best["loss"], evaluate({"run", "--split", "validation"})["loss"]);
}

TEST_F(Model, TellsPerplexityAndBitsOfTheLoss) {
  const auto found = evaluate({"run", "--data", "text.txt", "--threads", "3"});
  const double loss = found["loss"];
  EXPECT_GT(loss, 0);
  EXPECT_DOUBLE_EQ(found["perplexity"], std::exp(loss));
  EXPECT_EQ(found["tokens"], content("text.txt").size() - 1);
  // One byte a character.
  EXPECT_NEAR(found["bits_per_byte"], loss / std::log(2), 1e-12);
  EXPECT_EQ(found, evaluate({"run", "--data", "text.txt", "--threads", "1"}));
}

TEST_F(Model, RefusesToEvaluateOnNothing) {
  const auto refused = [&](std::vector<std::string> more) {
    more.insert(more.begin(), "eval");
    return run(folder(), more);
  };
  std::ofstream(folder() / "one.txt") << prompt().substr(0, 1);
  std::ofstream(folder() / "foreign.txt") << "\xC3\xA9";
  expect_refused(refused({"--model", "run"}), "--data");
  expect_refused(refused({"--model", "run", "--data", "text.txt", "--split", "train"}), "either");
  expect_refused(refused({"--model", "run", "--split", "test"}), "'test'");
  expect_refused(refused({"--model", "model", "--split", "validation"}), "not a run folder");
  expect_refused(refused({"--model", "run", "--data", "nothing.txt"}), "nothing.txt");
  expect_refused(refused({"--model", "run", "--data", "one.txt"}), "at least 2");
  expect_refused(refused({"--model", "run", "--data", "foreign.txt"}), "U+00E9");
}

TEST_F(Model, IsNotEvaluatedOnAPartOfDataThatHasChanged) {
  const Folder other;
  write_text(other, "text.txt");
  ASSERT_EQ(run(other, tiny_training("run", {"--steps", "2"})).exit_code, 0);
  std::ofstream(other / "text.txt", std::ios::app) << "more";
  expect_refused(run(other, {"eval", "--model", "run", "--split", "validation"}),
                 "run's data has changed");
}

TEST_F(Model, HasTheDigestsThatTrainingPrinted) {
  const auto ended = run(folder(), {"digest", "run"});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  const auto results = read_json(folder() / "run/run.json")["results"];
  const auto weights = results["weights_sha256"].get<std::string>();
  EXPECT_EQ(ended.out, "weights    " + weights + "\noptimizer  " +
                           results["optimizer_sha256"].get<std::string>() + "\n");
  EXPECT_EQ(run(folder(), {"digest", "model"}).out, "weights    " + weights + "\n");
  EXPECT_EQ(run(folder(), {"digest", "run/checkpoints/step-00000012"}).out, ended.out);
  EXPECT_NE(run(folder(), {"digest", "run/checkpoints/step-00000005"}).out, ended.out);
}

TEST_F(Model, PassesOverADamagedCheckpointAndSaysSo) {
  const Folder other;
  write_text(other, "text.txt");
  const auto training = tiny_training("run", {"--steps", "4", "--checkpoint-every", "2"});
  ASSERT_EQ(run(other, training).exit_code, 0);
  const auto before = run(other, {"digest", "run/checkpoints/step-00000002"});
  std::ofstream(other / "run/checkpoints/step-00000004/model.safetensors", std::ios::app) << "x";
  const auto ended = run(other, {"digest", "run"});
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_EQ(ended.out, before.out);
  EXPECT_NE(ended.err.find("step-00000004"), std::string::npos) << ended.err;
}

TEST_F(Model, ThatIsNotThereOrNotWholeGetsOneLine) {
  fs::create_directory(folder() / "hollow");
  fs::copy(folder() / "model", folder() / "deaf");
  fs::remove(folder() / "deaf/tokenizer.json");
  fs::copy(folder() / "model", folder() / "torn");
  fs::resize_file(folder() / "torn/model.safetensors", 1'000);
  for (const std::string name : {"nowhere", "hollow", "torn"}) {
    expect_refused(run(folder(), {"generate", "--model", name}), name);
    expect_refused(run(folder(), {"eval", "--model", name, "--data", "text.txt"}), name);
    expect_refused(run(folder(), {"digest", name}), name);
  }
  expect_refused(run(folder(), {"generate", "--model", "deaf"}), "tokenizer");
  expect_refused(run(folder(), {"generate"}), "--model");
  expect_refused(run(folder(), {"digest"}), "DIR");
}

TEST(Topology, IsDrawnForAnyNumberOfSpheres) {
  const Folder folder;
  const auto ended = run(folder, {"topology", "--spheres", "144"});
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_NE(ended.out.find("157 nodes in total: 144 workers"), std::string::npos);
  expect_refused(run(folder, {"topology", "--spheres", "0"}), "--spheres");
  expect_refused(run(folder, {"topology", "--spheres", "3", "--symmetry", "1"}), "--symmetry");
  expect_refused(run(folder, {"topology"}), "--spheres");
}

}  // namespace
}  // namespace nodezero::test
