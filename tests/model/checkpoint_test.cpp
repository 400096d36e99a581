// SPDX-License-Identifier: BSD-3-Clause
#include "model/storage/checkpoint.hpp"

#include <cmath>
#include <csignal>
#include <fstream>
#include <set>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "model/storage/digest.hpp"
#include "model/storage/model_folder.hpp"
#include "model/storage/progress_json.hpp"
#include "tests/model/support/file_size_limit.hpp"
#include "tests/model/support/files.hpp"
#include "tests/model/support/tiny_model.hpp"

namespace nodezero::model {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t keep_all = 1000;

/// A checkpoint whose content follows from its step.
Checkpoint checkpoint_at(std::uint64_t step) {
  Checkpoint checkpoint;
  checkpoint.config = tiny_config();
  checkpoint.progress = {.run = 0xFEDCBA9876543210,
                         .epoch = step / 10,
                         .step_in_epoch = step % 10,
                         .step = step,
                         .version = step + 1,
                         .epoch_negative_log_likelihood = 1.0 / 3 + static_cast<double>(step),
                         .epoch_tokens = step * 100,
                         .best_validation_loss = std::nextafter(2.5, 3.0),
                         .best_validation_step = step / 2};
  checkpoint.weights = std::make_shared<const Parameters>(tiny_weights(step));
  auto optimizer = std::make_shared<OptimizerState>(checkpoint.weights->layout());
  fill_with_noise(step + 1000, optimizer->first_moment);
  fill_with_noise(step + 2000, optimizer->second_moment);
  optimizer->step = step;
  checkpoint.optimizer = std::move(optimizer);
  return checkpoint;
}

void expect_equal(const Checkpoint& found, const Checkpoint& expected) {
  EXPECT_EQ(found.config, expected.config);
  EXPECT_EQ(found.progress, expected.progress);
  EXPECT_EQ(digest(*found.weights), digest(*expected.weights));
  EXPECT_EQ(digest(*found.optimizer), digest(*expected.optimizer));
  EXPECT_EQ(found.optimizer->step, expected.optimizer->step);
}

fs::path write(const TemporaryFolder& folder, std::uint64_t step, std::uint32_t keep = keep_all) {
  const auto written = CheckpointFolder(folder.path(), keep).write(checkpoint_at(step));
  EXPECT_TRUE(written) << written.error().message;
  return written.value_or(fs::path());
}

std::vector<std::string> names(const TemporaryFolder& folder) {
  return names_in(folder.path() / "checkpoints");
}

// Row D14: nothing was ever saved.
TEST(Checkpoint, ComesBackBitForBit) {
  const TemporaryFolder folder;
  const auto path = write(folder, 12);
  EXPECT_EQ(path, folder.path() / "checkpoints/step-00000012");
  EXPECT_EQ(names_in(path),
            (std::vector<std::string>{"checksums.json", "config.json", "model.safetensors",
                                      "optimizer.safetensors", "progress.json"}));
  const auto found = read_newest_checkpoint(folder.path());
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->path, path);
  EXPECT_TRUE(found->warnings.empty());
  expect_equal(found->checkpoint, checkpoint_at(12));
}

TEST(Checkpoint, HoldsWhatItTakesToUseAndToJudgeItAlone) {
  const TemporaryFolder folder;
  const auto tokenizer = Tokenizer::chars({U'a', U'b'});
  CheckpointFolder checkpoints(folder.path(), 1,
                               {companions_of(tiny_config(), tokenizer), "{\"seed\":7}"});
  const auto path = checkpoints.write(checkpoint_at(3));
  ASSERT_TRUE(path) << path.error().message;
  const auto model = load_model_folder(*path);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->tokenizer->to_json(), tokenizer.to_json());
  EXPECT_EQ(read_newest_checkpoint(folder.path())->origin, "{\"seed\":7}");
  // Both are under the checksums: changed, added or removed, they make the checkpoint damaged.
  std::ofstream(*path / "origin.json") << "{\"seed\":8}";
  EXPECT_FALSE(read_newest_checkpoint(folder.path()));
  fs::remove(*path / "origin.json");
  EXPECT_FALSE(read_newest_checkpoint(folder.path()));
  const auto bare = write(folder, 4);
  EXPECT_EQ(read_newest_checkpoint(folder.path())->origin, "");
  std::ofstream(bare / "origin.json") << "{}";
  EXPECT_FALSE(read_newest_checkpoint(folder.path()));
}

TEST(Checkpoint, TheNewestByNumberIsRead) {
  const TemporaryFolder folder;
  for (const std::uint64_t step :
       {std::uint64_t{100'000'000}, std::uint64_t{99'999'999}, std::uint64_t{7}}) {
    write(folder, step);
  }
  EXPECT_EQ(read_newest_checkpoint(folder.path())->checkpoint.progress.step, 100'000'000u);
}

TEST(Checkpoint, OnlyTheNewestAreKept) {
  const TemporaryFolder folder;
  for (std::uint64_t step = 1; step <= 5; ++step) {
    write(folder, step, 2);
  }
  EXPECT_EQ(names(folder), (std::vector<std::string>{"step-00000004", "step-00000005"}));
  // The one that is written stays even where none is to be kept, or newer ones exist.
  write(folder, 6, 0);
  EXPECT_EQ(names(folder), std::vector<std::string>{"step-00000006"});
  write(folder, 3, 1);
  EXPECT_EQ(names(folder), (std::vector<std::string>{"step-00000003", "step-00000006"}));
}

TEST(Checkpoint, DamagedOnesDoNotCountAsKept) {
  const TemporaryFolder folder;
  write(folder, 1);
  write(folder, 2);
  const auto damaged = write(folder, 3);
  fs::resize_file(damaged / "progress.json", 3);
  write(folder, 4, 2);
  EXPECT_EQ(names(folder),
            (std::vector<std::string>{"step-00000002", "step-00000003", "step-00000004"}));
}

TEST(Checkpoint, AWholeOneOfThatStepStays) {
  const TemporaryFolder folder;
  const auto path = write(folder, 3);
  const auto before = fs::last_write_time(path / "progress.json");
  auto other = checkpoint_at(3);
  other.progress.run = 5;
  ASSERT_TRUE(CheckpointFolder(folder.path(), 1).write(other));
  EXPECT_EQ(fs::last_write_time(path / "progress.json"), before);
  fs::remove(path / "config.json");
  ASSERT_TRUE(CheckpointFolder(folder.path(), 1).write(other));
  EXPECT_EQ(read_newest_checkpoint(folder.path())->checkpoint.progress.run, 5u);
}

TEST(Checkpoint, WithADamagedFileIsPassedOverForTheOneBefore) {
  const char* const files[] = {"checksums.json", "config.json", "model.safetensors",
                               "optimizer.safetensors", "progress.json"};
  for (const char* name : files) {
    for (const char* damage : {"flip first", "flip middle", "flip last", "truncate", "remove"}) {
      const TemporaryFolder folder;
      write(folder, 1);
      const auto file = write(folder, 2) / name;
      std::string content = content_of(file);
      const std::string kind = damage;
      if (kind == "remove") {
        fs::remove(file);
      } else if (kind == "truncate") {
        fs::resize_file(file, content.size() - 2);
      } else {
        // The last byte of a JSON file is a line end; the one before closes the object.
        const std::size_t at = kind == "flip first"    ? 0
                               : kind == "flip middle" ? content.size() / 2
                                                       : content.size() - 2;
        content[at] = static_cast<char>(content[at] ^ 1);
        std::ofstream(file, std::ios::binary) << content;
      }
      const auto found = read_newest_checkpoint(folder.path());
      ASSERT_TRUE(found) << name << ", " << damage << ": " << found.error().message;
      expect_equal(found->checkpoint, checkpoint_at(1));
      ASSERT_EQ(found->warnings.size(), 1u);
      EXPECT_NE(found->warnings[0].find((folder.path() / "checkpoints/step-00000002").string()),
                std::string::npos)
          << found->warnings[0];
      // A damaged sum cannot tell which of the two changed, but it names both.
      EXPECT_NE(found->warnings[0].find(name), std::string::npos) << found->warnings[0];
      EXPECT_EQ(found->warnings[0].find('\n'), std::string::npos);
    }
  }
}

TEST(Checkpoint, MissingOnesAreNotFound) {
  const TemporaryFolder folder;
  EXPECT_EQ(read_newest_checkpoint(folder.path()).error().code, ErrorCode::not_found);
  fs::remove(write(folder, 2) / "model.safetensors");
  const auto result = read_newest_checkpoint(folder.path());
  EXPECT_EQ(result.error().code, ErrorCode::not_found);
  EXPECT_NE(message_of(result).find("step-00000002/model.safetensors"), std::string::npos);
}

TEST(Checkpoint, LeftoversOfInterruptedWritesAreIgnoredAndRemoved) {
  const TemporaryFolder folder;
  const auto path = write(folder, 1);
  fs::copy(path, folder.path() / "checkpoints/unfinished-written-step-00000009");
  fs::copy(path, folder.path() / "checkpoints/step-9");
  fs::copy(path, folder.path() / "checkpoints/step-00000009x");
  const auto found = read_newest_checkpoint(folder.path());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path, path);
  EXPECT_TRUE(found->warnings.empty());
  remove_unfinished_checkpoints(folder.path());
  EXPECT_EQ(names(folder), (std::vector<std::string>{"step-00000001", "step-00000009x", "step-9"}));
  remove_unfinished_checkpoints(folder.path() / "missing");
}

TEST(Checkpoint, AreNotReadAgainWhileTheyStayAsTheyWere) {
  const TemporaryFolder folder;
  CheckpointFolder checkpoints(folder.path(), 2);
  const auto first = checkpoints.write(checkpoint_at(1)).value();
  // Damaged, and its time set back: whoever read it would see that it is no longer whole.
  const auto damaged = first / "optimizer.safetensors";
  const auto time = fs::last_write_time(damaged);
  std::fstream(damaged, std::ios::in | std::ios::out).write("damage", 6);
  fs::last_write_time(damaged, time);
  ASSERT_TRUE(checkpoints.write(checkpoint_at(2)));
  ASSERT_TRUE(checkpoints.write(checkpoint_at(3)));
  EXPECT_EQ(names(folder), (std::vector<std::string>{"step-00000002", "step-00000003"}));
}

TEST(Checkpoint, IsReadAgainWhenItHasBeenWrittenTo) {
  const TemporaryFolder folder;
  CheckpointFolder checkpoints(folder.path(), 2);
  ASSERT_TRUE(checkpoints.write(checkpoint_at(1)));
  const auto second = checkpoints.write(checkpoint_at(2)).value();
  const auto damaged = second / "optimizer.safetensors";
  std::fstream(damaged, std::ios::in | std::ios::out).write("damage", 6);
  fs::last_write_time(damaged, fs::last_write_time(damaged) + std::chrono::seconds(1));
  ASSERT_TRUE(checkpoints.write(checkpoint_at(3)));
  // The damaged one does not count as one of the two that stay.
  EXPECT_EQ(names(folder),
            (std::vector<std::string>{"step-00000001", "step-00000002", "step-00000003"}));
}

TEST(Checkpoint, TheOnesBeforeStayWhenSpaceRunsOut) {
  const TemporaryFolder folder;
  write(folder, 1, 1);
  {
    const FileSizeLimit limit(8'000);
    const auto result = CheckpointFolder(folder.path(), 1).write(checkpoint_at(2));
    EXPECT_EQ(result.error().code, ErrorCode::io) << message_of(result);
  }
  EXPECT_EQ(names(folder), std::vector<std::string>{"step-00000001"});
  expect_equal(read_newest_checkpoint(folder.path())->checkpoint, checkpoint_at(1));
}

/// Writes checkpoint 2 over checkpoint 1 in a process of its own that is killed when it has
/// entered or left that many system calls; true if it had ended by then. Every file system
/// state that a kill can leave behind lies between two system calls.
bool write_and_kill(const TemporaryFolder& folder, int system_call_stops) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::raise(SIGSTOP);
    ::_exit(CheckpointFolder(folder.path(), 1).write(checkpoint_at(2)) ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  for (int stop = 0; stop < system_call_stops && WIFSTOPPED(status); ++stop) {
    ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
    ::waitpid(child, &status, 0);
  }
  if (WIFSTOPPED(status)) {
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);
    return false;
  }
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  return true;
}

TEST(Checkpoint, AKillAtAnySystemCallLosesNoFinishedOne) {  // D14
  std::set<std::uint64_t> found_steps;
  bool has_ended = false;
  const TemporaryFolder before;
  write(before, 1, 1);
  // A process stops when it enters a system call and when it leaves: every second stop will do.
  int stops = 0;
  for (; !has_ended; stops += 2) {
    const TemporaryFolder folder;
    fs::copy(before.path(), folder.path(), fs::copy_options::recursive);
    has_ended = write_and_kill(folder, stops);
    const auto found = read_newest_checkpoint(folder.path());
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_TRUE(found->warnings.empty()) << found->warnings[0];
    const std::uint64_t step = found->checkpoint.progress.step;
    found_steps.insert(step);
    expect_equal(found->checkpoint, checkpoint_at(step));
    remove_unfinished_checkpoints(folder.path());
    EXPECT_LE(names(folder).size(), 2u);
  }
  EXPECT_EQ(found_steps, (std::set<std::uint64_t>{1, 2}));
  EXPECT_GT(stops, 50);
}

TEST(ProgressJson, KeepsEveryBit) {
  StoredProgress stored{checkpoint_at(5).progress, ~std::uint64_t{0}};
  for (const double value : std::initializer_list<double>{0.0, -0.0, 0.1, 1e308, 5e-324, HUGE_VAL,
                                                          -HUGE_VAL, M_PI * 1e9}) {
    stored.progress.epoch_negative_log_likelihood = value;
    const auto read = progress_from_json(progress_to_json(stored));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, stored);
    EXPECT_EQ(std::signbit(read->progress.epoch_negative_log_likelihood), std::signbit(value));
  }
}

TEST(ProgressJson, NamesWhatIsMissing) {
  EXPECT_FALSE(progress_from_json(""));
  const auto result = progress_from_json("{}");
  EXPECT_EQ(result.error().code, ErrorCode::malformed);
  auto json = progress_to_json({});
  json.replace(json.find("\"epoch_tokens\": 0"), 17, "\"epoch_tokens\": -1");
  EXPECT_NE(message_of(progress_from_json(json)).find("epoch_tokens"), std::string::npos);
}

}  // namespace
}  // namespace nodezero::model
