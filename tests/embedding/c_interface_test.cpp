// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "nodezero/nodezero.h"
#include "nodezero/trainer.hpp"

namespace nodezero::testing {
namespace {

// The model w x, whose loss is (w x - 3 x)^2, with x as a double in the batch.
int loss_of_line(void* user, const float* const* parameters, const void* batch, size_t size,
                 float* const* gradient, double* sum, int64_t* count) {
  if (size != sizeof(double)) {
    return 7;
  }
  ++*static_cast<int*>(user);
  double x = 0;
  std::memcpy(&x, batch, sizeof x);
  const double error = static_cast<double>(parameters[0][0]) * x - 3 * x;
  gradient[0][0] = static_cast<float>(2 * error * x);
  *sum = error * error;
  *count = 1;
  return 0;
}

int predict_line(void*, const float* const* parameters, const void* input, size_t, void* output,
                 size_t output_size) {
  double x = 0;
  std::memcpy(&x, input, sizeof x);
  const double y = static_cast<double>(parameters[0][0]) * x;
  if (output_size != sizeof y) {
    return 1;
  }
  std::memcpy(output, &y, sizeof y);
  return 0;
}

int start_at_one(void*, uint64_t, float* const* parameters) {
  parameters[0][0] = 1;
  return 0;
}

nodezero_status new_status() {
  nodezero_status status;
  nodezero_status_init(&status, sizeof status);
  return status;
}

struct Line {
  Line() {
    nodezero_model_init(&model, sizeof model);
    model.user = &calls;
    model.tensors = &tensor;
    model.tensor_count = 1;
    model.initialize = start_at_one;
    model.loss_and_gradient = loss_of_line;
    model.predict = predict_line;
    nodezero_options_init(&options, sizeof options);
    options.learning_rate = 0.1;
    options.steps_in_epoch = 1;
  }
  nodezero_code create() {
    return nodezero_create(&model, &options, &trainer, message, sizeof message);
  }
  ~Line() { nodezero_destroy(trainer); }

  int calls = 0;
  const int64_t extent = 1;
  const nodezero_tensor tensor = {"w", &extent, 1};
  nodezero_model model;
  nodezero_options options;
  nodezero_trainer* trainer = nullptr;
  char message[100] = "";
};

TEST(CInterface, TrainsAModelOfTheHosts) {
  Line line;
  std::vector<double> losses;
  line.options.user = &losses;
  line.options.on_step = [](void* user, const nodezero_step_report* report) {
    static_cast<std::vector<double>*>(user)->push_back(report->loss);
  };
  ASSERT_EQ(line.create(), NODEZERO_OK) << line.message;
  double x = 2, y = 0;
  std::uint64_t version = 9;
  ASSERT_EQ(nodezero_predict(line.trainer, &x, sizeof x, &y, sizeof y, &version), NODEZERO_OK);
  EXPECT_EQ(y, 2);
  EXPECT_EQ(version, 0u);
  nodezero_status status = new_status();
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(nodezero_submit(line.trainer, &x, sizeof x), NODEZERO_OK);
    ASSERT_EQ(nodezero_advance_to(line.trainer, i, &status), NODEZERO_OK);
  }
  EXPECT_EQ(status.steps, 200u);
  EXPECT_EQ(line.calls, 200);
  EXPECT_EQ(losses.size(), 200u);
  EXPECT_EQ(losses.front(), 16);
  ASSERT_EQ(nodezero_predict(line.trainer, &x, sizeof x, &y, sizeof y, &version), NODEZERO_OK);
  EXPECT_NEAR(y, 6, 0.1);
  EXPECT_EQ(version, 200u);
}

TEST(CInterface, SavesIntoTheCallersBufferAndSaysHowLargeItMustBe) {
  Line line;
  ASSERT_EQ(line.create(), NODEZERO_OK);
  std::size_t size = 0;
  EXPECT_EQ(nodezero_save(line.trainer, nullptr, &size), NODEZERO_BUFFER_TOO_SMALL);
  std::vector<char> state(size, 'x');
  std::size_t given = size - 1;
  EXPECT_EQ(nodezero_save(line.trainer, state.data(), &given), NODEZERO_BUFFER_TOO_SMALL);
  EXPECT_EQ(given, size);
  EXPECT_EQ(state, std::vector<char>(size, 'x'));
  char text[256];
  nodezero_last_error(line.trainer, text, sizeof text);
  EXPECT_EQ(text, "the state needs a buffer of " + std::to_string(size) + " bytes");
  EXPECT_EQ(nodezero_save(line.trainer, state.data(), &given), NODEZERO_OK);
  EXPECT_EQ(nodezero_restore(line.trainer, state.data(), size), NODEZERO_OK);
  EXPECT_EQ(nodezero_restore(line.trainer, state.data(), size - 1), NODEZERO_MALFORMED);
  EXPECT_EQ(nodezero_save(line.trainer, state.data(), nullptr), NODEZERO_INVALID_ARGUMENT);
  EXPECT_EQ(nodezero_save_file(line.trainer, "name"), NODEZERO_INVALID_ARGUMENT);
}

TEST(CInterface, TheSizeOfAStateStaysWhatItWasWhenAsked) {
  for (const auto running : {NODEZERO_STEPPED, NODEZERO_OWN_THREADS}) {
    Line line;
    line.options.running = running;
    ASSERT_EQ(line.create(), NODEZERO_OK) << line.message;
    std::size_t size = 0;
    ASSERT_EQ(nodezero_save(line.trainer, nullptr, &size), NODEZERO_BUFFER_TOO_SMALL);
    std::vector<char> state(size);
    for (int i = 1; i <= 12; ++i) {  // the numbers of steps, epochs and versions get a second digit
      const double x = 1.0 / i;      // and the loss many
      ASSERT_EQ(nodezero_submit(line.trainer, &x, sizeof x), NODEZERO_OK);
      ASSERT_EQ(running == NODEZERO_STEPPED
                    ? nodezero_advance_to(line.trainer, i, nullptr)
                    : nodezero_wait_for_steps(line.trainer, i, 300'000, nullptr),
                NODEZERO_OK);
      ASSERT_EQ(nodezero_save(line.trainer, state.data(), &size), NODEZERO_OK) << i;
      ASSERT_EQ(size, state.size());
      ASSERT_EQ(nodezero_restore(line.trainer, state.data(), size), NODEZERO_OK);
    }
  }
}

TEST(CInterface, TimeBeginsWhereTheHostsDoes) {
  Line line;
  line.options.start_time = 1.7e9;
  line.options.time_per_step = 0.5;
  ASSERT_EQ(line.create(), NODEZERO_OK) << line.message;
  const double x = 2;
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(nodezero_submit(line.trainer, &x, sizeof x), NODEZERO_OK);
  }
  nodezero_status status = new_status();
  ASSERT_EQ(nodezero_get_status(line.trainer, &status), NODEZERO_OK);
  EXPECT_EQ(status.time, 1.7e9);
  ASSERT_EQ(nodezero_advance_to(line.trainer, 1.7e9 + 1, &status), NODEZERO_OK);
  EXPECT_EQ(status.steps, 2u);
}

TEST(CInterface, SaysWhatIsWrongAndNeverCrashes) {
  Line line;
  EXPECT_EQ(nodezero_create(nullptr, &line.options, &line.trainer, nullptr, 0),
            NODEZERO_INVALID_ARGUMENT);
  EXPECT_EQ(nodezero_create(&line.model, nullptr, &line.trainer, nullptr, 0),
            NODEZERO_INVALID_ARGUMENT);
  EXPECT_EQ(nodezero_create(&line.model, &line.options, nullptr, nullptr, 0),
            NODEZERO_INVALID_ARGUMENT);
  EXPECT_EQ(nodezero_create_perceptron(nullptr, 2, &line.options, &line.trainer, nullptr, 0),
            NODEZERO_INVALID_ARGUMENT);
  char cut_off[5];
  line.options.spheres = 0;
  EXPECT_EQ(nodezero_create(&line.model, &line.options, &line.trainer, cut_off, sizeof cut_off),
            NODEZERO_INVALID_ARGUMENT);
  EXPECT_STREQ(cut_off, "sphe");
  EXPECT_EQ(line.trainer, nullptr);
  line.options.spheres = 1;
  ASSERT_EQ(line.create(), NODEZERO_OK);

  nodezero_status status = new_status();
  EXPECT_EQ(nodezero_step(nullptr, 1, &status), NODEZERO_INVALID_ARGUMENT);
  EXPECT_EQ(nodezero_get_status(line.trainer, nullptr), NODEZERO_INVALID_ARGUMENT);
  EXPECT_EQ(nodezero_step(line.trainer, 0, &status), NODEZERO_INVALID_ARGUMENT);
  char text[200];
  nodezero_last_error(line.trainer, text, sizeof text);
  EXPECT_NE(std::string(text).find("budget"), std::string::npos) << text;
  EXPECT_EQ(nodezero_submit(line.trainer, nullptr, 8), NODEZERO_INVALID_ARGUMENT);
  EXPECT_EQ(nodezero_submit_examples(line.trainer, 1, nullptr, nullptr), NODEZERO_INVALID_ARGUMENT);
  const float number = 1;
  EXPECT_EQ(nodezero_submit_examples(line.trainer, 1, &number, &number), NODEZERO_WRONG_SHAPE);
  double x = 1;
  float too_small;
  EXPECT_EQ(nodezero_predict(line.trainer, &x, sizeof x, &too_small, sizeof too_small, nullptr),
            NODEZERO_FAILED);

  nodezero_failure(line.trainer, text, sizeof text);
  EXPECT_STREQ(text, "");
  ASSERT_EQ(nodezero_submit(line.trainer, &x, 3), NODEZERO_OK);  // the model will not have it
  ASSERT_EQ(nodezero_advance_to(line.trainer, 1, &status), NODEZERO_OK);
  EXPECT_EQ(status.progress, NODEZERO_TRAINING_FAILED);
  nodezero_failure(line.trainer, text, sizeof text);
  EXPECT_NE(std::string(text).find("loss_and_gradient"), std::string::npos) << text;
  nodezero_failure(nullptr, text, sizeof text);
  EXPECT_STREQ(text, "the trainer is NULL");
  EXPECT_EQ(nodezero_close(line.trainer), NODEZERO_OK);
  EXPECT_EQ(nodezero_step(line.trainer, 1, &status), NODEZERO_CLOSED);
  nodezero_destroy(nullptr);
  nodezero_options_init(nullptr, sizeof line.options);
  nodezero_model_init(nullptr, sizeof line.model);
  nodezero_status_init(nullptr, sizeof status);
}

TEST(CInterface, TakesOptionsOfAnEarlierVersionOfTheStruct) {
  Line line;
  const auto unknown = reinterpret_cast<decltype(line.options.on_step)>(1);
  line.options.on_step = unknown;
  nodezero_options_init(&line.options, offsetof(nodezero_options, on_step));
  EXPECT_EQ(line.options.size, offsetof(nodezero_options, on_step));
  EXPECT_EQ(line.options.on_step, unknown) << "was written, beyond the struct's end";
  ASSERT_EQ(line.create(), NODEZERO_OK) << line.message;
  double x = 1;
  ASSERT_EQ(nodezero_submit(line.trainer, &x, sizeof x), NODEZERO_OK);
  EXPECT_EQ(nodezero_advance_to(line.trainer, 1, nullptr), NODEZERO_OK);
  line.options.size = 0;
  nodezero_trainer* none = nullptr;
  EXPECT_EQ(nodezero_create(&line.model, &line.options, &none, nullptr, 0),
            NODEZERO_INVALID_ARGUMENT);
}

TEST(CInterface, WritesAsMuchOfAStatusAsTheCallersVersionOfTheStructHas) {
  Line line;
  ASSERT_EQ(line.create(), NODEZERO_OK) << line.message;
  const double x = 2;
  ASSERT_EQ(nodezero_submit(line.trainer, &x, sizeof x), NODEZERO_OK);
  nodezero_status status;
  std::memset(&status, 0x5a, sizeof status);
  const std::size_t known = offsetof(nodezero_status, loss);
  nodezero_status_init(&status, known);
  const auto rest = reinterpret_cast<const unsigned char*>(&status) + known;
  const std::vector<unsigned char> untouched(sizeof status - known, 0x5a);
  const auto is_untouched = [&] { return std::equal(untouched.begin(), untouched.end(), rest); };
  EXPECT_TRUE(is_untouched());
  ASSERT_EQ(nodezero_advance_to(line.trainer, 1, &status), NODEZERO_OK);
  EXPECT_EQ(status.size, known);
  EXPECT_EQ(status.steps, 1u);
  EXPECT_EQ(status.version, 1u);
  EXPECT_TRUE(is_untouched());
  ASSERT_EQ(nodezero_get_status(line.trainer, &status), NODEZERO_OK);
  EXPECT_TRUE(is_untouched());
}

TEST(CInterface, DoesNothingForAStatusThatWasNotSetUp) {
  Line line;
  ASSERT_EQ(line.create(), NODEZERO_OK) << line.message;
  const double x = 2;
  ASSERT_EQ(nodezero_submit(line.trainer, &x, sizeof x), NODEZERO_OK);
  nodezero_status none = {};
  EXPECT_EQ(nodezero_step(line.trainer, 1000, &none), NODEZERO_INVALID_ARGUMENT);
  char text[100];
  nodezero_last_error(line.trainer, text, sizeof text);
  EXPECT_STREQ(text, "a status is set up by nodezero_status_init before it is first used");
  EXPECT_EQ(nodezero_advance_to(line.trainer, 1, &none), NODEZERO_INVALID_ARGUMENT);
  EXPECT_EQ(nodezero_wait_for_steps(line.trainer, 1, 1, &none), NODEZERO_INVALID_ARGUMENT);
  EXPECT_EQ(nodezero_get_status(line.trainer, &none), NODEZERO_INVALID_ARGUMENT);
  nodezero_status status = new_status();
  ASSERT_EQ(nodezero_get_status(line.trainer, &status), NODEZERO_OK);
  EXPECT_EQ(status.steps, 0u);
  EXPECT_EQ(status.waiting, 1u);
}

TEST(CInterface, ListsTheThreads) {
  Line line;
  line.options.running = NODEZERO_OWN_THREADS;
  line.options.threads = 2;
  ASSERT_EQ(line.create(), NODEZERO_OK) << line.message;
  nodezero_status status = new_status();
  ASSERT_EQ(nodezero_get_status(line.trainer, &status), NODEZERO_OK);
  EXPECT_EQ(status.lanes, 2u);
  EXPECT_EQ(status.threads, status.lanes + status.observers + status.checkpointers +
                                status.workers + status.clocks + status.printers);
  EXPECT_EQ(status.threads, 6u);
}

/// What a host is to run.
struct Job {
  void (*run)(void*);
  void* argument;
};
void put_into_vector(void* user, void (*run)(void*), void* argument) {
  static_cast<std::vector<Job>*>(user)->push_back({run, argument});
}

TEST(CInterface, HasTheHostRunTheJobs) {
  std::vector<Job> jobs;
  Line line;
  line.options.running = NODEZERO_HOST_EXECUTOR;
  EXPECT_EQ(line.create(), NODEZERO_INVALID_ARGUMENT);
  line.options.user = &jobs;
  line.options.execute = put_into_vector;
  ASSERT_EQ(line.create(), NODEZERO_OK) << line.message;
  const double x = 2;
  ASSERT_EQ(nodezero_submit(line.trainer, &x, sizeof x), NODEZERO_OK);
  for (std::size_t next = 0; next < jobs.size(); ++next) {
    const Job job = jobs[next];
    job.run(job.argument);
  }
  nodezero_status status = new_status();
  ASSERT_EQ(nodezero_get_status(line.trainer, &status), NODEZERO_OK);
  EXPECT_EQ(status.steps, 1u);
  EXPECT_EQ(status.threads, 0u);
  // Those that are left do nothing, and are freed, after the trainer's end.
  const std::size_t done = jobs.size();
  ASSERT_EQ(nodezero_submit(line.trainer, &x, sizeof x), NODEZERO_OK);
  nodezero_destroy(std::exchange(line.trainer, nullptr));
  EXPECT_GT(jobs.size(), done);
  for (std::size_t next = done; next < jobs.size(); ++next) {
    jobs[next].run(jobs[next].argument);
  }
}

TEST(CInterface, ATrainerMayBeDestroyedInACallbackOfACallThatThenFails) {
  struct Host {
    Line line;
    std::vector<Job> jobs;
  } host;
  Line& line = host.line;
  line.options.running = NODEZERO_HOST_EXECUTOR;
  line.options.user = &host;
  line.options.execute = [](void* user, void (*run)(void*), void* argument) {
    put_into_vector(&static_cast<Host*>(user)->jobs, run, argument);
  };
  line.options.on_step = [](void* user, const nodezero_step_report*) {
    nodezero_destroy(std::exchange(static_cast<Host*>(user)->line.trainer, nullptr));
  };
  ASSERT_EQ(line.create(), NODEZERO_OK) << line.message;
  const double x = 2;
  ASSERT_EQ(nodezero_submit(line.trainer, &x, sizeof x), NODEZERO_OK);
  EXPECT_EQ(nodezero_wait_for_steps(line.trainer, 100, 300'000, nullptr), NODEZERO_CLOSED);
  EXPECT_EQ(line.trainer, nullptr);
  for (const Job& job : host.jobs) {
    job.run(job.argument);
  }
}

TEST(CInterface, HasTheCodesOfTheCppInterface) {
  EXPECT_EQ(NODEZERO_INTERNAL, static_cast<int>(ErrorCode::internal));
  EXPECT_EQ(NODEZERO_BUSY, static_cast<int>(ErrorCode::busy));
  EXPECT_EQ(NODEZERO_FAILED, static_cast<int>(ErrorCode::failed));
  EXPECT_EQ(NODEZERO_MALFORMED, static_cast<int>(ErrorCode::malformed));
  EXPECT_EQ(NODEZERO_WRONG_STATE, static_cast<int>(ErrorCode::wrong_state));
  EXPECT_EQ(NODEZERO_COMPONENT_LOST, static_cast<int>(ErrorCode::component_lost));
  EXPECT_EQ(NODEZERO_TRAINING_FAILED, static_cast<int>(Progress::failed));
  EXPECT_EQ(NODEZERO_REFUSE, static_cast<int>(WhenFull::refuse));
  EXPECT_EQ(NODEZERO_HOST_EXECUTOR, static_cast<int>(Running::host_executor));
}

}  // namespace
}  // namespace nodezero::testing
