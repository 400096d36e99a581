// SPDX-License-Identifier: BSD-3-Clause

// Every function of nodezero.h that has a trainer, used in every wrong way that the header defines.

#include <atomic>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "nodezero/nodezero.h"

namespace nodezero::testing {
namespace {

nodezero_status new_status() {
  nodezero_status status;
  nodezero_status_init(&status, sizeof status);
  return status;
}

/// A trainer of the model w x, whose functions and callbacks do what a test wants beside.
struct Host {
  using Hook = std::function<void()>;

  explicit Host(nodezero_running running) {
    nodezero_model_init(&model, sizeof model);
    model.user = this;
    model.tensors = &tensor;
    model.tensor_count = 1;
    model.loss_and_gradient = [](void* user, const float* const* w, const void* batch, size_t,
                                 float* const* gradient, double* sum, int64_t* count) {
      run(static_cast<Host*>(user)->in_loss);
      float x = 0;
      std::memcpy(&x, batch, sizeof x);
      gradient[0][0] = 2 * w[0][0] * x * x;
      *sum = static_cast<double>(w[0][0]) * static_cast<double>(w[0][0]);
      *count = 1;
      return 0;
    };
    model.predict = [](void* user, const float* const* w, const void*, size_t, void* output,
                       size_t size) {
      run(static_cast<Host*>(user)->in_predict);
      std::memcpy(output, w[0], size);
      return 0;
    };
    nodezero_options_init(&options, sizeof options);
    options.running = running;
    options.user = this;
    options.on_step = [](void* user, const nodezero_step_report*) {
      run(static_cast<Host*>(user)->in_on_step);
    };
    options.on_notice = [](void* user, const char*) {
      run(static_cast<Host*>(user)->in_on_notice);
    };
    if (running == NODEZERO_HOST_EXECUTOR) {
      options.execute = [](void* user, void (*job)(void*), void* argument) {
        run(static_cast<Host*>(user)->in_execute);
        job(argument);
      };
    }
  }
  ~Host() { nodezero_destroy(trainer); }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  void create() {
    char message[200] = "";
    ASSERT_EQ(nodezero_create(&model, &options, &trainer, message, sizeof message), NODEZERO_OK)
        << message;
  }
  /// Expects that the trainer takes a batch and does a step.
  void expect_that_it_learns() {
    nodezero_status status = new_status();
    ASSERT_EQ(nodezero_get_status(trainer, &status), NODEZERO_OK);
    const std::uint64_t next = status.steps + 1;
    const float x = 1;
    ASSERT_EQ(nodezero_submit(trainer, &x, sizeof x), NODEZERO_OK) << last_error();
    ASSERT_EQ(options.running == NODEZERO_STEPPED
                  ? nodezero_advance_to(trainer, status.time, &status)
                  : nodezero_wait_for_steps(trainer, next, 300'000, &status),
              NODEZERO_OK)
        << last_error();
    EXPECT_GE(status.steps, next);  // others may have submitted as well
  }
  std::string last_error() const {
    char message[300] = "";
    nodezero_last_error(trainer, message, sizeof message);
    return message;
  }
  static void run(const Hook& hook) {
    if (hook) {
      hook();
    }
  }

  Hook in_loss, in_predict, in_on_step, in_on_notice, in_execute;
  const int64_t extent = 1;
  const nodezero_tensor tensor = {"w", &extent, 1};
  nodezero_model model;
  nodezero_options options;
  nodezero_trainer* trainer = nullptr;
};

constexpr auto all_ways = {NODEZERO_STEPPED, NODEZERO_OWN_THREADS, NODEZERO_HOST_EXECUTOR};

/// A call whose arguments are right, and what it returns where it is out of place.
struct Call {
  const char* name;
  std::function<nodezero_code(nodezero_trainer*)> make;
  nodezero_code stepped, not_stepped;  ///< in the trainer's own thread, at rest
  nodezero_code in_another_thread;     ///< stepped
  nodezero_code in_callback;
  nodezero_code after_close;
};

const std::vector<Call>& calls() {
  static const float x = 1;
  constexpr auto ok = NODEZERO_OK, busy = NODEZERO_BUSY, closed = NODEZERO_CLOSED,
                 wrong_mode = NODEZERO_WRONG_MODE, wrong_thread = NODEZERO_WRONG_THREAD,
                 shape = NODEZERO_WRONG_SHAPE, invalid = NODEZERO_INVALID_ARGUMENT;
  static const std::vector<Call> all = {
      {"submit", [](auto* t) { return nodezero_submit(t, &x, sizeof x); }, ok, ok, ok, ok, closed},
      {"submit_examples", [](auto* t) { return nodezero_submit_examples(t, 1, &x, &x); }, shape,
       shape, shape, shape, closed},
      {"step", [](auto* t) { return nodezero_step(t, 1, nullptr); }, ok, wrong_mode, wrong_thread,
       busy, closed},
      {"advance_to", [](auto* t) { return nodezero_advance_to(t, 0, nullptr); }, ok, wrong_mode,
       wrong_thread, busy, closed},
      {"wait_for_steps", [](auto* t) { return nodezero_wait_for_steps(t, 0, 1, nullptr); },
       wrong_mode, ok, wrong_mode, busy, closed},
      {"get_status",
       [](auto* t) {
         nodezero_status status = new_status();
         return nodezero_get_status(t, &status);
       },
       ok, ok, ok, ok, ok},
      {"predict",
       [](auto* t) {
         float y = 0;
         return nodezero_predict(t, &x, sizeof x, &y, sizeof y, nullptr);
       },
       ok, ok, wrong_thread, busy, closed},
      {"predict_examples",
       [](auto* t) {
         float y = 0;
         return nodezero_predict_examples(t, 1, &x, &y, nullptr);
       },
       shape, shape, wrong_thread, busy, closed},
      {"save",
       [](auto* t) {
         std::vector<char> state(100'000);
         std::size_t size = state.size();
         return nodezero_save(t, state.data(), &size);
       },
       ok, ok, wrong_thread, busy, closed},
      {"restore", [](auto* t) { return nodezero_restore(t, &x, sizeof x); }, NODEZERO_MALFORMED,
       NODEZERO_MALFORMED, wrong_thread, busy, closed},
      {"save_file", [](auto* t) { return nodezero_save_file(t, "name"); }, invalid, invalid,
       invalid, invalid, invalid},
      {"restore_file", [](auto* t) { return nodezero_restore_file(t, "name"); }, invalid, invalid,
       invalid, invalid, invalid},
  };
  return all;
}

TEST(CMisuse, ATrainerThatIsNullIsRefused) {
  for (const Call& call : calls()) {
    EXPECT_EQ(call.make(nullptr), NODEZERO_INVALID_ARGUMENT) << call.name;
  }
  EXPECT_EQ(nodezero_close(nullptr), NODEZERO_INVALID_ARGUMENT);
  char message[100] = "";
  nodezero_last_error(nullptr, message, sizeof message);
  EXPECT_STREQ(message, "the trainer is NULL");
  nodezero_last_error(nullptr, nullptr, 0);
  nodezero_failure(nullptr, nullptr, 0);
  nodezero_destroy(nullptr);
  nodezero_destroy(nullptr);
}

TEST(CMisuse, CallsThatAWayOfRunningHasNotAreRefused) {
  for (const auto running : all_ways) {
    Host host(running);
    host.create();
    for (const Call& call : calls()) {
      EXPECT_EQ(call.make(host.trainer),
                running == NODEZERO_STEPPED ? call.stepped : call.not_stepped)
          << call.name << ": " << host.last_error();
    }
    host.expect_that_it_learns();
  }
}

TEST(CMisuse, CallsOfAnotherThreadAreRefusedIfTheTrainerIsStepped) {
  Host host(NODEZERO_STEPPED);
  host.create();
  std::thread([&] {
    for (const Call& call : calls()) {
      EXPECT_EQ(call.make(host.trainer), call.in_another_thread)
          << call.name << ": " << host.last_error();
    }
    EXPECT_EQ(nodezero_close(host.trainer), NODEZERO_WRONG_THREAD);
  }).join();
  host.expect_that_it_learns();
}

TEST(CMisuse, CallsAfterCloseAreRefused) {
  for (const auto running : all_ways) {
    Host host(running);
    host.create();
    EXPECT_EQ(nodezero_close(host.trainer), NODEZERO_OK);
    EXPECT_EQ(nodezero_close(host.trainer), NODEZERO_OK);
    for (const Call& call : calls()) {
      const bool is_of_another_way =
          running == NODEZERO_STEPPED && std::string(call.name) == "wait_for_steps";
      EXPECT_EQ(call.make(host.trainer), is_of_another_way ? NODEZERO_WRONG_MODE : call.after_close)
          << call.name << ": " << host.last_error();
    }
  }
}

TEST(CMisuse, CallsOfCallbacksAndModelsThatWouldWaitForThemselvesAreRefused) {
  for (const auto running : all_ways) {
    for (Host::Hook Host::*place :
         {&Host::in_on_step, &Host::in_loss, &Host::in_predict, &Host::in_execute}) {
      Host host(running);
      std::vector<std::string> wrong;
      // The host's executor may run jobs before create() has returned.
      std::atomic<bool> is_ready = false, has_been_called = false, has_returned = false;
      host.*place = [&] {
        if (!is_ready || has_been_called.exchange(true)) {
          return;
        }
        for (const Call& call : calls()) {
          const bool is_of_another_way = running == NODEZERO_STEPPED
                                             ? std::string(call.name) == "wait_for_steps"
                                             : call.not_stepped == NODEZERO_WRONG_MODE;
          const auto code = call.make(host.trainer);
          if (code != (is_of_another_way ? NODEZERO_WRONG_MODE : call.in_callback)) {
            wrong.push_back(call.name + (" returned " + std::to_string(code)));
          }
        }
        if (const auto code = nodezero_close(host.trainer); code != NODEZERO_BUSY) {
          wrong.push_back("close returned " + std::to_string(code));
        }
        has_returned = true;
      };
      host.create();
      is_ready = true;
      host.expect_that_it_learns();
      const bool is_called = running == NODEZERO_HOST_EXECUTOR || place != &Host::in_execute;
      float y = 0;
      do {  // a callback may come after the step that it tells of
        EXPECT_EQ(nodezero_predict(host.trainer, &y, sizeof y, &y, sizeof y, nullptr), NODEZERO_OK);
      } while (is_called && !has_returned);
      nodezero_destroy(std::exchange(host.trainer, nullptr));
      EXPECT_EQ(has_been_called.load(), is_called);
      EXPECT_EQ(wrong, std::vector<std::string>()) << running;
    }
  }
}

TEST(CMisuse, ArgumentsThatAreNullOrOfAnotherSizeAreRefused) {
  Host host(NODEZERO_STEPPED);
  host.create();
  nodezero_trainer* const t = host.trainer;
  const int64_t sizes[] = {2, 3, 1};
  nodezero_trainer* perceptron = nullptr;
  ASSERT_EQ(nodezero_create_perceptron(sizes, 3, &host.options, &perceptron, nullptr, 0),
            NODEZERO_OK);
  const float x[] = {1, 2}, nan[] = {1, NAN};
  float y[2];
  std::vector<char> state(100'000);
  std::size_t size = state.size();
  ASSERT_EQ(nodezero_save(t, state.data(), &size), NODEZERO_OK);
  nodezero_status none = {};
  constexpr auto invalid = NODEZERO_INVALID_ARGUMENT, shape = NODEZERO_WRONG_SHAPE,
                 malformed = NODEZERO_MALFORMED;
  const struct {
    const char* call;
    nodezero_code code, expected;
  } rows[] = {
      {"submit without a batch", nodezero_submit(t, nullptr, 8), invalid},
      {"submit to a perceptron", nodezero_submit(perceptron, x, sizeof x), shape},
      {"submit_examples without inputs", nodezero_submit_examples(perceptron, 1, nullptr, x),
       invalid},
      {"submit_examples without targets", nodezero_submit_examples(perceptron, 1, x, nullptr),
       invalid},
      {"submit_examples of none", nodezero_submit_examples(perceptron, 0, x, x), shape},
      {"submit_examples not finite", nodezero_submit_examples(perceptron, 1, nan, x),
       NODEZERO_NOT_FINITE},
      {"step of nothing", nodezero_step(t, 0, nullptr), invalid},
      {"step without a status set up", nodezero_step(t, 1, &none), invalid},
      {"advance_to no number", nodezero_advance_to(t, NAN, nullptr), invalid},
      {"advance_to never", nodezero_advance_to(t, INFINITY, nullptr), invalid},
      {"advance_to the past", nodezero_advance_to(t, -1, nullptr), invalid},
      {"advance_to without a status set up", nodezero_advance_to(t, 1, &none), invalid},
      {"wait_for_steps without a status set up", nodezero_wait_for_steps(t, 1, 1, &none), invalid},
      {"get_status into nothing", nodezero_get_status(t, nullptr), invalid},
      {"get_status without a status set up", nodezero_get_status(t, &none), invalid},
      {"predict without input", nodezero_predict(t, nullptr, 4, y, 4, nullptr), invalid},
      {"predict without output", nodezero_predict(t, x, 4, nullptr, 4, nullptr), invalid},
      {"predict of a perceptron", nodezero_predict(perceptron, x, 8, y, 4, nullptr), shape},
      {"predict_examples without inputs",
       nodezero_predict_examples(perceptron, 1, nullptr, y, nullptr), invalid},
      {"predict_examples without outputs",
       nodezero_predict_examples(perceptron, 1, x, nullptr, nullptr), invalid},
      {"predict_examples of none", nodezero_predict_examples(perceptron, 0, x, y, nullptr), shape},
      {"predict_examples not finite", nodezero_predict_examples(perceptron, 1, nan, y, nullptr),
       NODEZERO_NOT_FINITE},
      {"save without a size", nodezero_save(t, state.data(), nullptr), invalid},
      {"restore of nothing", nodezero_restore(t, nullptr, size), invalid},
      {"restore of no bytes", nodezero_restore(t, state.data(), 0), malformed},
      {"restore of too few", nodezero_restore(t, state.data(), size - 1), malformed},
      {"restore of another model's", nodezero_restore(perceptron, state.data(), size), shape},
      {"save_file without a name", nodezero_save_file(t, nullptr), invalid},
      {"save_file without a folder", nodezero_save_file(t, "name"), invalid},
      {"restore_file without a name", nodezero_restore_file(t, nullptr), invalid},
      {"restore_file without a folder", nodezero_restore_file(t, "name"), invalid},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(row.code, row.expected) << row.call;
  }
  EXPECT_EQ(nodezero_submit(t, nullptr, 0), NODEZERO_OK);  // a batch may be empty
  EXPECT_EQ(nodezero_restore(t, state.data(), size), NODEZERO_OK);
  nodezero_last_error(t, nullptr, 10);
  nodezero_last_error(t, state.data(), 0);
  host.expect_that_it_learns();
  nodezero_destroy(perceptron);
}

TEST(CMisuse, ModelsAndOptionsThatAreNotWholeAreRefused) {
  Host host(NODEZERO_STEPPED);
  const auto create = [&](auto change) {
    Host other(NODEZERO_STEPPED);
    change(other);
    nodezero_trainer* trainer = reinterpret_cast<nodezero_trainer*>(&host);
    const auto code = nodezero_create(&other.model, &other.options, &trainer, nullptr, 0);
    EXPECT_EQ(trainer, nullptr);
    return code;
  };
  static const int64_t extents[] = {0, -1};
  static const nodezero_tensor no_name = {nullptr, extents, 0}, no_shape = {"w", nullptr, 2},
                               empty = {"w", extents, 1}, negative = {"w", extents + 1, 1};
  static const nodezero_tensor twice[] = {{"w", nullptr, 0}, {"w", nullptr, 0}};
  const std::function<void(Host&)> changes[] = {
      [](Host& h) { h.model.size = 0; },
      [](Host& h) { h.model.tensors = nullptr; },
      [](Host& h) { h.model.tensor_count = 0; },
      [](Host& h) { h.model.loss_and_gradient = nullptr; },
      [](Host& h) { h.model.tensors = &no_name; },
      [](Host& h) { h.model.tensors = &no_shape; },
      [](Host& h) { h.model.tensors = &empty; },
      [](Host& h) { h.model.tensors = &negative; },
      [](Host& h) { h.model.tensors = twice, h.model.tensor_count = 2; },
      [](Host& h) { h.options.size = 3; },
      [](Host& h) { h.options.running = static_cast<nodezero_running>(3); },
      [](Host& h) { h.options.running = static_cast<nodezero_running>(-1); },
      [](Host& h) { h.options.running = NODEZERO_HOST_EXECUTOR; },
      [](Host& h) { h.options.when_full = static_cast<nodezero_when_full>(9); },
      [](Host& h) { h.options.threads = 0; },
      [](Host& h) { h.options.spheres = 0; },
      [](Host& h) { h.options.symmetry = 1; },
      [](Host& h) { h.options.micro_batches = 0; },
      [](Host& h) { h.options.micro_batches = 65; },  // more than queue_bound
      [](Host& h) { h.options.steps_in_epoch = 0; },
      [](Host& h) { h.options.queue_bound = 0; },
      [](Host& h) { h.options.learning_rate = NAN; },
      [](Host& h) { h.options.learning_rate = -1; },
      [](Host& h) { h.options.min_learning_rate = 1; },
      [](Host& h) { h.options.beta1 = 1; },
      [](Host& h) { h.options.beta2 = NAN; },
      [](Host& h) { h.options.epsilon = 0; },
      [](Host& h) { h.options.weight_decay = INFINITY; },
      [](Host& h) { h.options.clip = -1; },
      [](Host& h) { h.options.time_per_step = NAN; },
  };
  for (std::size_t i = 0; i < std::size(changes); ++i) {
    EXPECT_EQ(create(changes[i]), NODEZERO_INVALID_ARGUMENT) << "change " << i;
  }
  EXPECT_EQ(create([](Host& h) { h.options.folder = "/proc/nodezero"; }), NODEZERO_IO);
}

TEST(CMisuse, ExceptionsOfAHostsFunctionsGoNoFurther) {
  const Host::Hook throws = [] { throw std::runtime_error("nobody expects this"); };
  const Host::Hook throws_a_number = [] { throw 42; };
  for (const auto running : all_ways) {
    for (const auto& hook : {throws, throws_a_number}) {
      Host host(running);
      host.in_on_step = host.in_on_notice = hook;
      host.create();
      host.expect_that_it_learns();
      host.in_execute = hook;
      host.expect_that_it_learns();
      host.in_predict = hook;
      float y = 0;
      EXPECT_EQ(nodezero_predict(host.trainer, &y, sizeof y, &y, sizeof y, nullptr),
                NODEZERO_FAILED);
      host.expect_that_it_learns();
      std::vector<char> state(100'000);
      std::size_t size = state.size();
      ASSERT_EQ(nodezero_save(host.trainer, state.data(), &size), NODEZERO_OK);

      host.in_loss = hook;
      EXPECT_EQ(nodezero_submit(host.trainer, &y, sizeof y), NODEZERO_OK);
      nodezero_status status = new_status();
      EXPECT_EQ(running == NODEZERO_STEPPED
                    ? nodezero_advance_to(host.trainer, 0, &status)
                    : nodezero_wait_for_steps(host.trainer, 1'000, 300'000, &status),
                NODEZERO_OK);
      EXPECT_EQ(status.progress, NODEZERO_TRAINING_FAILED);
      host.in_loss = nullptr;
      ASSERT_EQ(nodezero_restore(host.trainer, state.data(), size), NODEZERO_OK);
      host.expect_that_it_learns();
    }
  }
  Host host(NODEZERO_STEPPED);
  host.model.initialize = [](void*, uint64_t, float* const*) -> int { throw 42; };
  EXPECT_EQ(nodezero_create(&host.model, &host.options, &host.trainer, nullptr, 0),
            NODEZERO_INTERNAL);
  host.model.initialize = [](void*, uint64_t, float* const*) { return 1; };
  EXPECT_EQ(nodezero_create(&host.model, &host.options, &host.trainer, nullptr, 0),
            NODEZERO_INTERNAL);
  EXPECT_EQ(host.trainer, nullptr);
}

TEST(CMisuse, AJobThatIsCalledTwiceIsDoneOnce) {
  Host host(NODEZERO_HOST_EXECUTOR);
  static int calls = 0;
  host.options.execute = [](void*, void (*job)(void*), void* argument) {
    job(argument);
    job(argument);
    ++calls;
  };
  host.create();
  host.expect_that_it_learns();
  EXPECT_GT(calls, 0);
}

TEST(CMisuse, AnyCallsOfManyThreadsAtOnceReturn) {
  Host host(NODEZERO_OWN_THREADS);
  host.options.threads = 2;
  host.options.when_full = NODEZERO_DROP_OLDEST;
  host.create();
  std::vector<std::thread> threads;
  for (std::size_t first = 0; first < 4; ++first) {
    threads.emplace_back([&, first] {
      for (std::size_t i = 0; i < 200; ++i) {
        const Call& call = calls()[(first * 3 + i) % calls().size()];
        const auto code = call.make(host.trainer);
        EXPECT_TRUE(code == call.not_stepped || code == call.after_close)
            << call.name << " returned " << code << ": " << host.last_error();
      }
    });
  }
  threads.emplace_back([&] {
    for (int i = 0; i < 20; ++i) {
      nodezero_status status = new_status();
      nodezero_wait_for_steps(host.trainer, 30, 300'000, &status);
    }
    EXPECT_EQ(nodezero_close(host.trainer), NODEZERO_OK);
  });
  for (auto& thread : threads) {
    thread.join();
  }
}

}  // namespace
}  // namespace nodezero::testing
