// SPDX-License-Identifier: BSD-3-Clause

// The same bits whatever computes them, in training and in generation; and what is said about them.

#include <cmath>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "support/program.hpp"

namespace nodezero::test {
namespace {

/// The levels that this processor has, as the program names them when it is asked for one that
/// nobody has.
std::vector<std::string> levels() {
  const Folder folder;
  const auto ended = run(folder, {"bench", "--kernels", "none"});
  EXPECT_EQ(ended.exit_code, 2);
  const std::string has = "it has ";
  std::istringstream names(ended.err.substr(ended.err.find(has) + has.size()));
  std::vector<std::string> found;
  for (std::string name; names >> name;) {
    found.push_back(name.substr(0, name.find(',')));
  }
  return found;
}

std::vector<std::string> options_of(const std::string& precision, const std::string& kernels,
                                    const std::string& spheres) {
  return {"--steps",   "5",     "--dropout", "0.1",   "--precision",     precision,
          "--kernels", kernels, "--spheres", spheres, "--micro-batches", "5"};
}

TEST(Arithmetic, HasOneDigestForAllKernelsAndSpheres) {
  const Folder folder;
  write_text(folder, "text.txt");
  auto all = levels();
  ASSERT_GE(all.size(), 1u);
  ASSERT_EQ(all.front(), "portable");
  all.push_back(all.back() + "," + all.front());  // lanes with different kernels
  std::string digest_in_fp32;
  for (const std::string precision : {"fp32", "bf16", "bf16-tile"}) {
    std::string expected;
    for (const std::string& kernels : all) {
      for (const std::string spheres : {"1", "13"}) {
        const std::string name = precision + kernels + spheres;
        const auto ended =
            run(folder, tiny_training(name, options_of(precision, kernels, spheres)));
        ASSERT_EQ(ended.exit_code, 0) << ended.err;
        EXPECT_NE(ended.out.find("kernels  " + kernels), std::string::npos) << ended.out;
        const std::string digest = digests(folder / name);
        expected = expected.empty() ? digest : expected;
        EXPECT_EQ(digest, expected) << name;
      }
    }
    EXPECT_NE(expected, digest_in_fp32);
    digest_in_fp32 = precision == "fp32" ? expected : digest_in_fp32;
  }
}

TEST(Arithmetic, TakesKernelsFromTheVariable) {
  const Folder folder;
  write_text(folder, "text.txt");
  ASSERT_EQ(setenv("NODEZERO_KERNELS", "sse5", 1), 0);
  const auto refused = run(folder, {"topology"});
  ASSERT_EQ(setenv("NODEZERO_KERNELS", "portable", 1), 0);
  const auto taken = run(folder, tiny_training("run", {"--steps", "2"}));
  ASSERT_EQ(unsetenv("NODEZERO_KERNELS"), 0);
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.err.find("has no kernels 'sse5'"), std::string::npos) << refused.err;
  EXPECT_NE(taken.out.find("kernels  portable"), std::string::npos) << taken.err;
}

TEST(Arithmetic, RefusesKernelsThatAreNotThere) {
  const Folder folder;
  write_text(folder, "text.txt");
  for (const std::string names : {"sse5", "portable,", "", "portable, v3"}) {
    const auto ended = run(folder, tiny_training("run", {"--kernels", names}));
    EXPECT_EQ(ended.exit_code, 2) << names;
    EXPECT_NE(ended.err.find("has no kernels"), std::string::npos) << ended.err;
    EXPECT_FALSE(std::filesystem::exists(folder / "run"));
  }
}

/// A model with a context of 16, after a few steps.
void train_model(const Folder& folder) {
  write_text(folder, "text.txt");
  const auto ended = run(folder, tiny_training("run", {"--steps", "20"}));
  ASSERT_EQ(ended.exit_code, 0) << ended.err;
}

TEST(Arithmetic, OfGenerationIsThatOfTheForwardPass) {
  const Folder folder;
  train_model(folder);
  for (const std::string precision : {"fp32", "bf16", "bf16-tile"}) {
    // Far beyond the context.
    const auto generated =
        run(folder, {"generate", "--model", "run", "--prompt", "some words of the text", "--tokens",
                     "60", "--logprobs", "--precision", precision});
    ASSERT_EQ(generated.exit_code, 0) << generated.err;
    std::ofstream(folder / "lines.jsonl") << generated.out;
    const auto checked =
        run(folder, {"eval", "--model", "run", "--check", "lines.jsonl", "--precision", precision});
    EXPECT_EQ(checked.exit_code, 0) << checked.err;

    const auto evaluated = run(folder, {"eval", "--model", "run", "--split", "validation",
                                        "--logprobs", "--precision", precision});
    std::ofstream(folder / "lines.jsonl") << evaluated.out;
    const auto checked_text =
        run(folder, {"eval", "--model", "run", "--check", "lines.jsonl", "--precision", precision});
    EXPECT_EQ(checked_text.exit_code, 0) << checked_text.err;
  }
}

TEST(Arithmetic, ALogarithmWithAnotherBitIsNamed) {
  const Folder folder;
  train_model(folder);
  const auto generated = run(
      folder, {"generate", "--model", "run", "--prompt", "words", "--tokens", "30", "--logprobs"});
  std::istringstream lines(generated.out);
  std::ofstream changed(folder / "lines.jsonl");
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    auto json = nlohmann::json::parse(line);
    if (number == 1) {
      EXPECT_TRUE(json.at("logprob").is_null());
    }
    if (number == 23) {
      json["logprob"] = std::nextafter(json.at("logprob").get<double>(), 0.0);
    }
    changed << json.dump() << '\n';
  }
  changed.close();
  const auto checked = run(folder, {"eval", "--model", "run", "--check", "lines.jsonl"});
  EXPECT_EQ(checked.exit_code, 1);
  EXPECT_NE(checked.err.find("line 23 "), std::string::npos) << checked.err;
}

TEST(Arithmetic, OfARunIsRecordedAndExplained) {
  const Folder folder;
  train_model(folder);
  EXPECT_EQ(read_json(folder / "run/run.json").at("versions").at("arithmetic"), "2");
  const auto explained = run(folder, {"digest", "run", "--explain"});
  EXPECT_EQ(explained.exit_code, 0) << explained.err;
  EXPECT_NE(explained.out.find("arithmetic  2"), std::string::npos) << explained.out;
  EXPECT_NE(explained.out.find("--learning-rate"), std::string::npos) << explained.out;
}

// Checkpoints did not name their arithmetic when it was the first one.
TEST(Arithmetic, OfAnotherVersionIsContinuedOnlyIfThatIsWanted) {
  const Folder folder;
  train_model(folder);
  const auto checkpoint = folder / "run/checkpoints/step-00000020";
  auto sums = read_json(checkpoint / "checksums.json");
  sums.erase("origin.json");
  std::ofstream(checkpoint / "checksums.json") << sums.dump();
  std::filesystem::remove(checkpoint / "origin.json");
  const std::vector<std::string> resume{"train", "--resume", "--out", "run", "--steps", "25"};
  const auto refused = run(folder, resume);
  EXPECT_EQ(refused.exit_code, 2) << refused.out;
  EXPECT_NE(refused.err.find("--accept-other-arithmetic"), std::string::npos) << refused.err;
  auto accepting = resume;
  accepting.push_back("--accept-other-arithmetic");
  const auto accepted = run(folder, accepting);
  EXPECT_EQ(accepted.exit_code, 0) << accepted.err;
  EXPECT_NE(accepted.out.find("version 1 of the arithmetic"), std::string::npos) << accepted.out;
}

}  // namespace
}  // namespace nodezero::test
