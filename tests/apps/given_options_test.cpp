// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/options/given_options.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>

#include <CLI/CLI.hpp>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "apps/nodezero/command_line/command_option.hpp"
#include "apps/nodezero/common.hpp"
#include "apps/nodezero/options/option_values.hpp"
#include "apps/nodezero/options/presets.hpp"
#include "apps/nodezero/train/resolve.hpp"

namespace nodezero::apps {
namespace {

/// What a command line gives.
GivenOptions parse(const std::string& line) {
  CLI::App program;
  GivenOptions given;
  add_options(program, given);
  program.parse(line);
  return given;
}

/// What a file gives.
GivenOptions read_config(const std::string& text) {
  const auto path =
      std::filesystem::path(testing::TempDir()) /
      (testing::UnitTest::GetInstance()->current_test_info()->name() + std::string(".toml"));
  std::ofstream(path) << text;
  return read_config_file(path);
}

TEST(GivenOptions, HoldNothingThatWasNotSaid) {
  const auto given = parse("--width 64 --prompt one --prompt two");
  EXPECT_EQ(given.names, (std::set<std::string>{"width", "prompt"}));
  EXPECT_EQ(given.values.training.model.width, 64);
  EXPECT_EQ(given.values.prompts, (std::vector<std::string>{"one", "two"}));
}

TEST(GivenOptions, TakePromptsThatLookLikeOptionsOrLists) {
  EXPECT_EQ(parse("--prompt=--x --prompt [a,b]").values.prompts,
            (std::vector<std::string>{"--x", "[a,b]"}));
}

TEST(GivenOptions, TakeNumbersStrictly) {
  for (const char* line :
       {"--width 8x", "--width 0x10", "--width 1.5", "--spheres -1", "--dropout nan",
        "--dropout inf", "--top-p 1.1", "--seed 99999999999999999999", "--threads 5000000000"}) {
    EXPECT_THROW(parse(line), CommandError) << line;
  }
  EXPECT_EQ(parse("--seed 18446744073709551615").values.training.seed, ~std::uint64_t{0});
  EXPECT_EQ(parse("--learning-rate 1e-3").values.training.optimizer.learning_rate, 1e-3);
}

TEST(ConfigFile, HasTheSameNamesAtItsTopOrInASection) {
  const auto top = read_config("width = 64\nrouting = \"dominant\"\ndata = [\"a\", \"b\"]\n");
  EXPECT_EQ(top.names, (std::set<std::string>{"width", "routing", "data"}));
  EXPECT_EQ(top.values.routing, actors::RoutingPolicy::dominant);
  // Paths are meant from the folder that the file is in.
  const auto folder = std::filesystem::temp_directory_path();
  EXPECT_EQ(top.values.data, (std::vector<std::string>{folder / "a", folder / "b"}));
  const auto section = read_config("[train]\nwidth = 32\n");
  EXPECT_EQ(section.values.training.model.width, 32);
}

TEST(ConfigFile, MayNameTheRunFolder) {
  const auto config = read_config("out = \"here\"\n");
  EXPECT_EQ(merge(parse(""), config).out, std::filesystem::temp_directory_path() / "here");
  EXPECT_EQ(merge(parse("--out there"), config).out, "there");
}

TEST(ConfigFile, IsRefusedWithUnknownNamesAndWrongValues) {
  EXPECT_THROW(read_config("bread = 1\n"), CommandError);
  EXPECT_THROW(read_config("[eval]\nwidth = 1\n"), CommandError);
  EXPECT_THROW(read_config("width = 0\n"), CommandError);
  EXPECT_THROW(read_config("epochs = 2\nsteps = 3\n"), CommandError);
  EXPECT_THROW(read_config_file("/nowhere/at/all.toml"), CommandError);
}

TEST(Resolve, CommandLineBeatsFileBeatsPresetBeatsDefault) {
  const auto options = resolve_new_run(
      merge(parse("--preset shakespeare-cpu --width 64"), read_config("width = 32\nlayers = 2\n")));
  EXPECT_EQ(options.training.model.width, 64);
  EXPECT_EQ(options.training.model.layers, 2);
  EXPECT_EQ(options.training.model.context, 64);
  EXPECT_EQ(options.training.steps, 2'000);
  EXPECT_EQ(options.keep, 3);
}

TEST(Resolve, EpochsSilenceStepsOfWeakerPlaces) {
  const auto over_preset = resolve_new_run(parse("--preset shakespeare-cpu --epochs 3"));
  EXPECT_EQ(over_preset.training.epochs, 3);
  EXPECT_EQ(over_preset.training.steps, 0);
  const auto over_file = resolve_new_run(merge(parse("--epochs 3"), read_config("steps = 9\n")));
  EXPECT_EQ(over_file.training.steps, 0);
  EXPECT_THROW(merge(parse("--epochs 3 --steps 9"), {}), CommandError);
}

TEST(Resolve, LowersTheLastRateWithTheLargest) {
  const auto options = resolve_new_run(parse("--learning-rate 1e-5"));
  EXPECT_EQ(options.training.optimizer.min_learning_rate, 1e-5);
}

TEST(Resolve, MakesPathsAbsoluteButNotFractions) {
  const auto options = resolve_new_run(parse("--data a b --validation held.txt"));
  EXPECT_EQ(options.data[0], (std::filesystem::current_path() / "a").string());
  EXPECT_EQ(options.validation, (std::filesystem::current_path() / "held.txt").string());
  EXPECT_EQ(resolve_new_run(parse("--validation 0.2")).validation, "0.2");
}

TEST(Resolve, PresetsAreWhatTheyAreNamedAfter) {
  const auto cpu = preset_options("shakespeare-cpu");
  EXPECT_EQ(cpu.training.model,
            (model::ModelConfig{.layers = 4, .heads = 4, .width = 128, .context = 64}));
  EXPECT_EQ(cpu.training.sequences * cpu.training.micro_batches, 12);
  const auto gpu = preset_options("shakespeare-gpu");
  EXPECT_EQ(
      gpu.training.model,
      (model::ModelConfig{.layers = 6, .heads = 6, .width = 384, .context = 256, .dropout = 0.2}));
  EXPECT_EQ(gpu.training.sequences * gpu.training.micro_batches, 64);
  const auto gpt2 = preset_options("gpt2-124m");
  EXPECT_EQ(gpt2.training.sequences * gpt2.training.micro_batches, 480);
  EXPECT_EQ(gpt2.vocabulary, 50'257);
  EXPECT_THROW(preset_options("bread"), CommandError);
  for (const char* name :
       {"", "demo", "shakespeare-cpu", "shakespeare-gpu", "gpt2-124m", "reference"}) {
    EXPECT_TRUE(model::validate(preset_options(name).training)) << name;
  }
}

TEST(Resolve, OnResumeTakesTheRecordAndWhatMayChange) {
  const auto recorded = resolve_new_run(parse("--data a --preset shakespeare-cpu --seed 5"));
  const auto resumed = resolve_resumed_run(
      recorded, parse("--spheres 144 --threads 1 --routing round-robin --symmetry 3 --prompt x "
                      "--temperature 0.1 --eval-every 7 --checkpoint-every 8 --keep 9 "
                      "--inference-policy wait --stall-timeout 60 --seed 5"));
  EXPECT_EQ(resumed.training, recorded.training);
  EXPECT_EQ(resumed.spheres, 144);
  EXPECT_EQ(resumed.prompts, (std::vector<std::string>{"x"}));
  EXPECT_EQ(resumed.keep, 9);
}

TEST(Resolve, OnResumeRefusesTheRestByName) {
  const auto recorded = resolve_new_run(parse("--data a --steps 10"));
  for (const char* name :
       {"layers", "seed", "batch", "micro-batches", "warmup", "eval-tokens", "context"}) {
    try {
      resolve_resumed_run(recorded, parse(std::string("--") + name + " 7"));
      ADD_FAILURE() << name << " was accepted";
    } catch (const CommandError& error) {
      EXPECT_NE(std::string(error.what()).find(std::string("--") + name + " "), std::string::npos)
          << error.what();
      EXPECT_NE(std::string(error.what()).find("'7'"), std::string::npos) << error.what();
    }
  }
}

TEST(Resolve, PrecisionIsChosenByNameAndKeptOnResume) {
  EXPECT_THROW(parse("--precision fp16"), CommandError);
  EXPECT_EQ(parse("--precision bf16").values.training.precision, model::Precision::bf16);
  const auto recorded = resolve_new_run(parse("--data a"));
  EXPECT_EQ(recorded.training.precision, model::Precision::fp32);
  EXPECT_EQ(to_json(recorded)["precision"], "fp32");
  try {
    resolve_resumed_run(recorded, parse("--precision bf16"));
    ADD_FAILURE() << "a change of the precision was accepted";
  } catch (const CommandError& error) {
    EXPECT_NE(std::string(error.what()).find("--precision cannot change"), std::string::npos)
        << error.what();
  }
}

TEST(OptionValues, SurviveTheWayThroughJson) {
  auto options = preset_options("gpt2-124m");
  options.prompts = {"a\nb", "\"quoted\""};
  options.training.seed = ~std::uint64_t{0};
  options.training.optimizer.learning_rate = 1.0 / 3;
  options.inference = actors::InferencePolicy::refuse;
  options.training.precision = model::Precision::bf16;
  const auto json = to_json(options);
  EXPECT_EQ(to_json(options_from_json(nlohmann::json::parse(json.dump()))), json);
}

}  // namespace
}  // namespace nodezero::apps
