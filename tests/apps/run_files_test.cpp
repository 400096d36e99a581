// SPDX-License-Identifier: BSD-3-Clause

// The small files of a run folder and the texts that are shown.

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/train/data_set.hpp"
#include "apps/nodezero/train/metrics.hpp"
#include "apps/nodezero/train/run_folder.hpp"
#include "apps/nodezero/train/run_record.hpp"

namespace nodezero::apps {
namespace {

std::filesystem::path fresh_folder() {
  const auto folder = std::filesystem::path(testing::TempDir()) /
                      testing::UnitTest::GetInstance()->current_test_info()->name();
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(JsonLines, CutsOffWhatWillBeDoneAgain) {
  const auto path = fresh_folder() / "metrics.jsonl";
  std::ofstream(path) << "{\"step\":0}\n{\"step\":1}\n{\"step\":2}\n{\"step\":3}\n";
  JsonLines lines(path, 2);
  EXPECT_EQ(content(path), "{\"step\":0}\n{\"step\":1}\n");
  EXPECT_TRUE(lines.append(2, "{\"step\":2}"));
  EXPECT_EQ(content(path), "{\"step\":0}\n{\"step\":1}\n{\"step\":2}\n");
}

TEST(JsonLines, CutsOffAHalfWrittenLine) {
  const auto path = fresh_folder() / "metrics.jsonl";
  std::ofstream(path) << "{\"step\":0}\n{\"st";
  const JsonLines lines(path, 5);
  EXPECT_EQ(content(path), "{\"step\":0}\n");
}

TEST(JsonLines, WritesAStepOnce) {
  const auto path = fresh_folder() / "evaluations.jsonl";
  JsonLines lines(path, 0);
  EXPECT_TRUE(lines.append(4, "{\"step\":4}"));
  EXPECT_TRUE(lines.append(4, "{\"step\":4}"));
  EXPECT_EQ(content(path), "{\"step\":4}\n");
}

TEST(DataSet, LeavesOutTheFoldersOfRuns) {
  const auto folder = fresh_folder();
  for (const char* name :
       {"text.txt", "old/text.txt", "old/run.json", "new/text.txt", "b/text.txt"}) {
    std::filesystem::create_directories((folder / name).parent_path());
    std::ofstream(folder / name) << std::string(200, 'x');
  }
  TrainOptions options;
  options.data = {folder.string()};
  options.training.model.context = 4;
  const auto data = open_data(options, {.run_folder = folder / "new"});
  const auto root = std::filesystem::canonical(folder);
  EXPECT_EQ(data.files, (std::vector{root / "b/text.txt", root / "text.txt"}));
  EXPECT_EQ(data.left_out, (std::vector{root / "new", root / "old"}));
  // Also where the run's folder does not exist yet, or is named with a slash at its end.
  EXPECT_EQ(open_data(options, {.run_folder = folder / "new/"}).files, data.files);
  EXPECT_EQ(open_data(options, {.run_folder = folder / "none"}).left_out,
            std::vector{root / "old"});
  options.data = {(folder / "old").string()};
  EXPECT_THROW(open_data(options, {}), CommandError);
}

TEST(RunFolder, RemovesWhatKilledSavesHaveLeft) {
  const auto folder = fresh_folder();
  std::filesystem::create_directories(folder / "best");
  std::filesystem::create_directories(folder / "checkpoints/unfinished-written-step-00000009");
  std::ofstream(folder / "checkpoints/unfinished-written-step-00000009/model.safetensors") << "x";
  std::ofstream(folder / ".model.safetensors.4711.unfinished") << "x";
  std::ofstream(folder / "best/.config.json.4711.unfinished") << "x";
  std::ofstream(folder / "notes.unfinished") << "mine";
  {
    const RunFolder holder(folder);
    EXPECT_THROW(RunFolder other(folder), CommandError);
  }
  std::vector<std::string> left;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) {
      left.push_back(entry.path().filename().string());
    }
  }
  std::sort(left.begin(), left.end());
  EXPECT_EQ(left, (std::vector<std::string>{"lock", "notes.unfinished"}));
  EXPECT_TRUE(std::filesystem::is_empty(folder / "checkpoints"));
}

TEST(RunFolder, BelongsToOneProcessAtATime) {
  const auto folder = fresh_folder();
  {
    const RunFolder mine(folder);
    EXPECT_THROW(RunFolder{folder}, CommandError);
  }
  EXPECT_NO_THROW(RunFolder{folder});
}

TEST(RunFolder, IsUnusedUntilItHoldsARunOrAModel) {
  const auto folder = fresh_folder();
  EXPECT_NO_THROW(check_unused(folder));
  EXPECT_NO_THROW(check_unused(folder / "missing"));
  std::ofstream(folder / "notes.txt") << "mine";
  EXPECT_NO_THROW(check_unused(folder));
  std::ofstream(folder / "config.json") << "{}";
  EXPECT_THROW(check_unused(folder), CommandError);
}

TEST(RunRecord, SurvivesTheDisk) {
  const auto folder = fresh_folder();
  EXPECT_FALSE(read_run_record(folder));
  RunRecord record;
  record.run = 0xfedcba9876543210;
  record.started = "2025-01-31T12:00:00Z";
  record.options.training.seed = 42;
  record.data = {{"bytes", 3}};
  record.results = {{"end", "stopped"}};
  write_run_record(folder, record, exit_failure);
  const auto found = read_run_record(folder);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->run, record.run);
  EXPECT_EQ(found->options.training.seed, 42);
  EXPECT_EQ(found->data, record.data);
  EXPECT_EQ(found->results, record.results);
}

TEST(RunRecord, ThatIsDamagedIsRefusedWithItsName) {
  const auto folder = fresh_folder();
  for (const char* text : {"", "{", "[]", "{\"format\": 1}", "{\"format\": 99}"}) {
    std::ofstream(folder / "run.json") << text;
    EXPECT_THROW(read_run_record(folder), CommandError) << text;
  }
}

TEST(DataSet, IsDividedAtTheFraction) {
  const auto folder = fresh_folder();
  std::ofstream(folder / "a.txt") << std::string(1'000, 'x');
  TrainOptions options;
  options.training.model.context = 16;
  options.data = {(folder / "a.txt").string()};
  const auto data = open_data(options, {});
  EXPECT_EQ(data.training.size(), 900);
  EXPECT_EQ(data.validation.begin, 900);
  EXPECT_EQ(data.validation.end, 1'000);
  options.evaluation_tokens = 10;
  EXPECT_EQ(open_data(options, {}).evaluation.size(), 11);
  options.validation = "0";
  EXPECT_EQ(open_data(options, {}).validation_tokens, nullptr);
}

TEST(DataSet, KnowsTheCharactersOfAValidationFile) {
  const auto folder = fresh_folder();
  std::ofstream(folder / "a.txt") << std::string(1'000, 'x');
  std::ofstream(folder / "b.txt") << "xyz";
  TrainOptions options;
  options.tokenizer = "chars";
  options.training.model.context = 16;
  options.data = {(folder / "a.txt").string()};
  options.validation = (folder / "b.txt").string();
  const auto data = open_data(options, {});
  EXPECT_EQ(data.tokenizer.vocabulary(), 3);
  EXPECT_EQ(data.training.size(), 1'000);
  EXPECT_EQ(data.validation.size(), 3);
}

TEST(DataSet, IsTheSameWhereverItLies) {
  const auto folder = fresh_folder();
  const auto describe_file = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder / name) << text;
    TrainOptions options;
    options.training.model.context = 2;
    options.data = {(folder / name).string()};
    return describe(open_data(options, {}));
  };
  const auto first = describe_file("a.txt", "the same text for both of them");
  EXPECT_FALSE(data_difference(first, describe_file("b.txt", "the same text for both of them")));
  const auto difference =
      data_difference(first, describe_file("c.txt", "the same text for both of th!m"));
  ASSERT_TRUE(difference);
  EXPECT_NE(difference->find("--data"), std::string::npos) << *difference;
}

}  // namespace
}  // namespace nodezero::apps
