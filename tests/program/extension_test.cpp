// SPDX-License-Identifier: BSD-3-Clause

// Runs that are to go on after their end.

#include <fstream>
#include <regex>

#include <gtest/gtest.h>

#include "support/program.hpp"

namespace nodezero::test {
namespace {

std::vector<std::string> with(std::vector<std::string> options, const std::string& steps) {
  options.insert(options.end(), {"--steps", steps});
  return options;
}

Ended extend(const Folder& folder, std::vector<std::string> more) {
  std::vector<std::string> arguments{"train", "--resume", "--out", "run"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  auto ended = run(folder, arguments);
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  return ended;
}

/// The digests of a run that was planned so from the start.
std::string planned(const Folder& folder, const std::vector<std::string>& options) {
  EXPECT_EQ(run(folder, tiny_training("planned", options)).exit_code, 0);
  return digests(folder / "planned");
}

TEST(Extension, UnderTheConstantScheduleEndsInTheWeightsOfALongerRun) {
  const Folder folder;
  write_text(folder, "text.txt");
  const std::vector<std::string> options{"--schedule", "constant", "--warmup", "5"};
  ASSERT_EQ(run(folder, tiny_training("run", with(options, "250"))).exit_code, 0);
  // 4,000 bytes are 75 steps an epoch: both ends lie within an epoch.
  const auto ended = extend(folder, {"--steps", "410"});
  EXPECT_NE(ended.out.find("ends in the weights of a run that was planned so"), std::string::npos)
      << ended.out;
  EXPECT_EQ(digests(folder / "run"), planned(folder, with(options, "410")));
  EXPECT_EQ(read_json_lines(folder / "run/metrics.jsonl").size(), 410u);
}

TEST(Extension, GoesOnInTheMiddleOfAnEpochWhereEpochsDifferInTheirSteps) {
  const Folder folder;
  write_text(folder, "text.txt", 80);
  const std::vector<std::string> options{"--schedule",      "constant", "--batch",      "1",
                                         "--micro-batches", "1",        "--validation", "0"};
  // Epochs of 11, 11, 11, 10 and 11 steps: 44 are of the fifth.
  ASSERT_EQ(run(folder, tiny_training("run", with(options, "44"))).exit_code, 0);
  extend(folder, {"--steps", "60"});
  EXPECT_EQ(digests(folder / "run"), planned(folder, with(options, "60")));
}

TEST(Extension, TakesMoreEpochs) {
  const Folder folder;
  write_text(folder, "text.txt");
  const std::vector<std::string> options{"--schedule", "constant", "--epochs"};
  auto two = options;
  two.push_back("2");
  auto three = options;
  three.push_back("3");
  ASSERT_EQ(run(folder, tiny_training("run", two)).exit_code, 0);
  extend(folder, {"--epochs", "3"});
  EXPECT_EQ(digests(folder / "run"), planned(folder, three));
}

TEST(Extension, UnderWsdNamesTheCheckpointBeforeTheDecay) {
  const Folder folder;
  write_text(folder, "text.txt");
  const std::vector<std::string> options{"--schedule",         "wsd", "--decay-steps", "20",
                                         "--checkpoint-every", "40",  "--warmup",      "5"};
  ASSERT_EQ(run(folder, tiny_training("run", with(options, "100"))).exit_code, 0);
  const auto plan = run(folder, {"train", "--resume", "--out", "run", "--steps", "160", "--plan"});
  EXPECT_NE(plan.out.find("would end in other weights"), std::string::npos) << plan.out;
  // The one of step 80 is skipped if the one before is still being written then.
  std::smatch step;
  ASSERT_TRUE(std::regex_search(plan.out, step, std::regex("--from-step (40|80)\n"))) << plan.out;
  extend(folder, {"--steps", "160", "--from-step", step[1]});
  EXPECT_EQ(digests(folder / "run"), planned(folder, with(options, "160")));
}

TEST(Extension, UnderTheCosineSaysThatALongerRunWouldDiffer) {
  const Folder folder;
  write_text(folder, "text.txt");
  ASSERT_EQ(run(folder, tiny_training("run", {"--steps", "100", "--warmup", "5"})).exit_code, 0);
  const auto ended = extend(folder, {"--steps", "200"});
  EXPECT_NE(ended.out.find("goes on to step 200 in place of 100; the learning rate was"),
            std::string::npos)
      << ended.out;
  EXPECT_NE(ended.out.find("would end in other weights"), std::string::npos) << ended.out;
  EXPECT_EQ(read_json(folder / "run/run.json").at("results").at("end"), "finished");
  // Once more: the rates of both parts count.
  EXPECT_NE(extend(folder, {"--steps", "300"}).out.find("would end in other weights"),
            std::string::npos);
}

TEST(Extension, BehindTheStepsThatAreDoneIsRefused) {
  const Folder folder;
  write_text(folder, "text.txt");
  ASSERT_EQ(run(folder, tiny_training("run", {"--steps", "30"})).exit_code, 0);
  const auto refused = run(folder, {"train", "--resume", "--out", "run", "--steps", "20"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.err.find("has done 30 steps"), std::string::npos) << refused.err;
  EXPECT_NE(run(folder, {"train", "--resume", "--out", "run", "--steps", "60", "--from-step", "7"})
                .err.find("no checkpoint of step 7; there are those of 30"),
            std::string::npos);
}

/// run.json with another text in place of one that it holds.
void edit_record(const Folder& folder, const std::string& from, const std::string& to) {
  std::ifstream file(folder / "run/run.json");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto at = text.find(from);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, from.size(), to);
  std::ofstream(folder / "run/run.json") << text;
}

TEST(RunRecord, IsNotBelievedAgainstTheCheckpoint) {
  const Folder folder;
  write_text(folder, "text.txt");
  ASSERT_EQ(run(folder, tiny_training("run", {"--steps", "30", "--seed", "77"})).exit_code, 0);
  const auto refusal = [&] {
    const auto ended = run(folder, {"train", "--resume", "--out", "run", "--steps", "60"});
    EXPECT_EQ(ended.exit_code, 2);
    return ended.err;
  };
  edit_record(folder, "\"seed\": 77", "\"seed\": 78");
  EXPECT_NE(refusal().find("run.json has --seed 78, but its checkpoint was computed with 77"),
            std::string::npos)
      << refusal();
  edit_record(folder, "\"seed\": 78", "\"sead\": 77");
  EXPECT_NE(refusal().find("the option 'seed' is missing"), std::string::npos) << refusal();
  edit_record(folder, "\"sead\": 77", "\"seed\": 77, \"colour\": 1");
  EXPECT_NE(refusal().find("no option 'colour'"), std::string::npos) << refusal();
  edit_record(folder, ", \"colour\": 1", "");
  EXPECT_EQ(run(folder, {"train", "--resume", "--out", "run", "--steps", "60"}).exit_code, 0);
}

}  // namespace
}  // namespace nodezero::test
