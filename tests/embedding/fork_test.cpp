// SPDX-License-Identifier: BSD-3-Clause

// Hosts that fork while a trainer lives. What a child finds, it says by its exit code.

#include <filesystem>
#include <functional>
#include <memory>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "nodezero/nodezero.h"
#include "nodezero/trainer.hpp"
#include "support/executors.hpp"
#include "support/models.hpp"

namespace nodezero::testing {
namespace {

using namespace std::chrono_literals;

class Child {
 public:
  /// Runs the function in a child, which exits with what it returns.
  explicit Child(const std::function<int()>& function) : process_(::fork()) {
    if (process_ == 0) {
      ::alarm(300);  // a call that never returns ends by this
      ::_exit(function());
    }
  }
  /// The exit code, or the negative number of the signal.
  int wait() const {
    int status = 0;
    ::waitpid(process_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t process_;
};

std::filesystem::path scratch(const std::string& name) {
  return std::filesystem::temp_directory_path() /
         ("nodezero-" + name + "-" + std::to_string(getpid()));
}

bool is_closed(const auto& result) {
  return !result && result.error().code == ErrorCode::closed;
}

TEST(Fork, CallsOfAChildAreRefusedIfTheTrainerHasThreads) {
  Pool pool(2);
  const auto folder = scratch("fork");
  for (const Running running : {Running::own_threads, Running::host_executor}) {
    auto options = small_options();
    options.running = running;
    options.threads = 2;
    options.execute = pool.executor();
    options.folder = folder;
    auto trainer = std::make_unique<Trainer>(*Trainer::create(small_model(), options));
    ASSERT_TRUE(trainer->submit(examples_of(0)));
    const Child child([&] {
      const bool calls[] = {
          is_closed(trainer->submit(examples_of(0))),
          is_closed(trainer->step(1)),
          is_closed(trainer->advance_to(1)),
          is_closed(trainer->wait_for_steps(1, 5min)),
          is_closed(trainer->predict<std::vector<float>>(std::vector<float>{1, 2})),
          is_closed(trainer->save()),
          is_closed(trainer->save("name")),
          is_closed(trainer->restore(SavedState{})),
          is_closed(trainer->restore("name")),
          is_closed(trainer->close()),
          trainer->status().progress == Progress::failed,
          trainer->status().failure != ""};
      int refused = 0;
      for (const bool is_refused : calls) {
        refused += is_refused ? 1 : 0;
      }
      trainer.reset();
      return refused;
    });
    EXPECT_EQ(child.wait(), 12);
    ASSERT_TRUE(trainer->submit(examples_of(1)));  // nothing has happened here
    ASSERT_TRUE(trainer->submit(examples_of(2)));
    EXPECT_TRUE(trainer->wait_for_steps(1, 5min));
    EXPECT_TRUE(trainer->save("name"));
  }
  std::filesystem::remove_all(folder);
}

TEST(Fork, ASteppedTrainerGoesOnInBothButTheFolderStaysWithTheParent) {
  const auto folder = scratch("fork-stepped");
  const auto expected = state_of(small_options());
  auto options = small_options();
  options.folder = folder;
  auto trainer = Trainer::create(small_model(), options);
  train(*trainer, 0, 20);
  const auto goes_on = [&] {
    train(*trainer, 20, 36);
    return *trainer->save() == expected;
  };
  const Child child([&] {
    const bool is_same = goes_on();
    const auto saved = trainer->save("name");
    const bool is_refused = !saved && saved.error().code == ErrorCode::in_use;
    trainer = fail(ErrorCode::closed, "");
    return (is_same ? 1 : 0) + (is_refused ? 2 : 0);
  });
  EXPECT_EQ(child.wait(), 3);
  EXPECT_TRUE(goes_on());
  EXPECT_TRUE(trainer->save("name"));
  std::filesystem::remove_all(folder);
}

TEST(Fork, AFolderIsFreeAsSoonAsItsTrainerIsGoneWhateverItsChildrenDo) {
  const auto folder = scratch("fork-folder");
  auto options = small_options();
  options.folder = folder;
  for (const Running running : {Running::stepped, Running::own_threads}) {
    options.running = running;
    auto trainer = std::make_unique<Trainer>(*Trainer::create(small_model(), options));
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const Child child([&] {
      ::close(ends[1]);
      char byte = 0;
      return static_cast<int>(::read(ends[0], &byte, 1));  // 0 when the parent has looked
    });
    trainer.reset();
    const auto again = Trainer::create(small_model(), options);
    EXPECT_TRUE(again) << again.error().message;
    ::close(ends[0]);
    ::close(ends[1]);
    EXPECT_EQ(child.wait(), 0);
  }
  std::filesystem::remove_all(folder);
}

TEST(Fork, CallsInCAreRefusedAsWell) {
  nodezero_options options;
  nodezero_options_init(&options, sizeof options);
  options.running = NODEZERO_OWN_THREADS;
  const int64_t sizes[] = {2, 3, 2};
  nodezero_trainer* trainer = nullptr;
  ASSERT_EQ(nodezero_create_perceptron(sizes, 3, &options, &trainer, nullptr, 0), NODEZERO_OK);
  const Child child([&] {
    const float x[] = {1, 2};
    float y[2];
    std::size_t size = 0;
    nodezero_status status;
    nodezero_status_init(&status, sizeof status);
    char message[200] = "";
    const bool calls[] = {nodezero_submit_examples(trainer, 1, x, x) == NODEZERO_CLOSED,
                          nodezero_predict_examples(trainer, 1, x, y, nullptr) == NODEZERO_CLOSED,
                          nodezero_wait_for_steps(trainer, 1, 300'000, &status) == NODEZERO_CLOSED,
                          nodezero_save(trainer, nullptr, &size) == NODEZERO_CLOSED,
                          nodezero_restore(trainer, x, sizeof x) == NODEZERO_CLOSED,
                          nodezero_close(trainer) == NODEZERO_CLOSED,
                          nodezero_get_status(trainer, &status) == NODEZERO_OK,
                          status.progress == NODEZERO_TRAINING_FAILED};
    int refused = 0;
    for (const bool is_refused : calls) {
      refused += is_refused ? 1 : 0;
    }
    nodezero_last_error(trainer, message, sizeof message);
    nodezero_destroy(trainer);
    return std::string(message).find("fork") != std::string::npos ? refused : 100;
  });
  EXPECT_EQ(child.wait(), 8);
  nodezero_destroy(trainer);
}

TEST(StateFolder, IsThatOfTheWorkingDirectoryThatTheTrainerWasCreatedIn) {
  const auto before = std::filesystem::current_path();
  const auto place = scratch("relative");
  std::filesystem::create_directory(place);
  std::filesystem::current_path(place);
  auto options = small_options();
  options.folder = "states";
  {
    auto trainer = Trainer::create(small_model(), options);
    ASSERT_TRUE(trainer) << trainer.error().message;
    std::filesystem::current_path(before);
    EXPECT_TRUE(trainer->save("name"));
    EXPECT_TRUE(trainer->restore("name"));
    EXPECT_TRUE(std::filesystem::exists(place / "states" / "name"));
  }
  std::filesystem::remove_all(place);
}

}  // namespace
}  // namespace nodezero::testing
