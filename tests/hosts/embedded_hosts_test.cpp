// SPDX-License-Identifier: BSD-3-Clause

// Trainers of host programs on several machines, which are threads of this process here.

#include <condition_variable>
#include <cstring>
#include <fstream>
#include <future>
#include <mutex>
#include <stop_token>

#include <gtest/gtest.h>

#include "nodezero/hosts.hpp"
#include "nodezero/language_model.hpp"
#include "nodezero/multilayer_perceptron.hpp"
#include "nodezero/nodezero_hosts.h"
#include "program/support/program.hpp"
#include "runtime/network/secret.hpp"

namespace nodezero {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

Examples examples_of(std::uint64_t index) {
  Examples examples;
  for (std::uint64_t i = 0; i < 8; ++i) {
    const float x = static_cast<float>((index * 37 + i * 11) % 100) / 50 - 1;
    examples.inputs.push_back(x);
    examples.targets.push_back(x * x);
  }
  return examples;
}

MultilayerPerceptron small_model() {
  return MultilayerPerceptron({1, 32, 1});
}

/// Two epochs of four steps of six micro-batches, from a function.
TrainerOptions small_options() {
  TrainerOptions options;
  options.running = Running::own_threads;
  options.spheres = 3;
  options.micro_batches = 6;
  options.steps_in_epoch = 4;
  options.total_steps = 8;
  options.optimizer.learning_rate = 1e-2;
  options.batches = [](std::uint64_t epoch, std::uint64_t step, std::uint32_t position) {
    return AnyValue::of(examples_of(24 * epoch + 6 * step + position));
  };
  return options;
}

/// The state after all steps.
SavedState finish(Trainer& trainer, std::uint64_t steps) {
  EXPECT_TRUE(trainer.wait_for_steps(steps, 60s));
  EXPECT_EQ(trainer.status().failure, "");
  auto state = trainer.save();
  EXPECT_TRUE(state);
  return state.value_or(SavedState{});
}

SavedState state_alone(TrainerOptions options) {
  auto trainer = Trainer::create(small_model(), std::move(options));
  EXPECT_TRUE(trainer);
  return finish(*trainer, 8);
}

/// Lines that somebody says, on any thread.
class Lines {
 public:
  void add(const std::string& line) {
    const std::lock_guard lock(mutex_);
    text_ += line + "\n";
    changed_.notify_all();
  }
  std::size_t count(const std::string& part) const {
    const std::lock_guard lock(mutex_);
    return count_in_text(part);
  }
  /// Until a line with the part was said so many times.
  bool wait_for(const std::string& part, std::size_t times) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 60s, [&] { return count_in_text(part) >= times; });
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    text_.clear();
  }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  std::size_t count_in_text(const std::string& part) const {
    std::size_t found = 0;
    for (auto at = text_.find(part); at != std::string::npos; at = text_.find(part, at + 1)) {
      ++found;
    }
    return found;
  }

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::string text_;
};

class EmbeddedHosts : public ::testing::Test {
 protected:
  EmbeddedHosts() {
    std::ofstream(secret()) << runtime::network::new_secret().value();
    fs::permissions(secret(), fs::perms::owner_read | fs::perms::owner_write);
  }
  ~EmbeddedHosts() override {
    stop_.request_stop();
    for (auto& host : hosts_) {
      host.wait();
    }
  }

  fs::path secret() const { return folder_ / "run.secret"; }
  ListenOptions listening(std::uint32_t hosts) {
    ListenOptions options;
    options.address = "127.0.0.1:0";
    options.credentials.secret = secret();
    options.hosts = hosts;
    options.wait = 60s;
    options.on_address = [this](const std::string& address) { address_ = address; };
    return options;
  }
  HostOptions hosting(const std::string& name) {
    HostOptions options;
    options.connect = address_;
    options.credentials.secret = secret();
    options.name = name;
    options.threads = 1;
    options.wait = 60s;
    options.on_notice = [this](const std::string& line) { said_.add(line); };
    options.stop = stop_.get_token();
    return options;
  }
  /// A trainer that hosts can connect to.
  template <class Model>
  Trainer root(Model model, TrainerOptions options, std::uint32_t hosts) {
    auto machines = listen(listening(hosts));
    EXPECT_TRUE(machines) << machines.error().message;
    options.machines = machines.value_or(nullptr);
    options.on_notice = [this](const std::string& line) { notices_.add(line); };
    auto trainer = Trainer::create(std::move(model), std::move(options));
    EXPECT_TRUE(trainer) << trainer.error().message;
    return std::move(*trainer);
  }
  template <class Model>
  void lend(Model model, HostOptions options) {
    hosts_.push_back(
        std::async(std::launch::async, [model, options = std::move(options)]() mutable {
          return host(std::move(model), std::move(options));
        }));
  }

  test::Folder folder_;
  std::string address_;
  Lines notices_;  ///< the root's
  Lines said_;     ///< by hosts
  std::stop_source stop_;
  std::vector<std::future<Result<void>>> hosts_;
};

TEST_F(EmbeddedHosts, MakeTheSameWeights) {
  const auto expected = state_alone(small_options());
  for (const std::uint32_t hosts : {0u, 1u, 2u}) {
    SCOPED_TRACE(hosts);
    auto trainer = root(small_model(), small_options(), hosts);
    for (std::uint32_t i = 0; i < hosts; ++i) {
      lend(small_model(), hosting("moon-" + std::to_string(i)));
    }
    EXPECT_EQ(finish(trainer, 8), expected);
    EXPECT_EQ(notices_.count("is ready"), hosts) << notices_.text();
    EXPECT_TRUE(trainer.close());
    for (auto& host : hosts_) {
      const auto end = host.get();
      EXPECT_TRUE(end) << end.error().message;
    }
    hosts_.clear();
    notices_.clear();
  }
}

TEST_F(EmbeddedHosts, GetWhatIsSubmitted) {
  auto options = small_options();
  options.batches = nullptr;
  options.queue_bound = 48;
  auto trainer = root(small_model(), options, 1);
  lend(small_model(), hosting("moon"));
  for (std::uint64_t i = 0; i < 48; ++i) {
    ASSERT_TRUE(trainer.submit(examples_of(i)));
  }
  ASSERT_TRUE(trainer.wait_for_steps(8, 60s));
  const std::vector<float> input{0.25f};
  const auto answer = trainer.predict<std::vector<float>>(input);
  auto alone = Trainer::create(small_model(), small_options());
  ASSERT_TRUE(alone && alone->wait_for_steps(8, 60s));
  EXPECT_EQ(answer->output, alone->predict<std::vector<float>>(input)->output);
}

TEST_F(EmbeddedHosts, ComeBackAfterASaveAndARestoreAndKeepWhatIsRight) {
  auto options = small_options();
  options.total_steps = 0;
  options.batches = nullptr;
  options.queue_bound = 48;
  const auto submit = [](Trainer& trainer, std::uint64_t first, std::uint64_t last) {
    for (auto i = first; i < last; ++i) {
      ASSERT_TRUE(trainer.submit(examples_of(i)));
    }
  };
  auto alone = Trainer::create(small_model(), options);
  submit(*alone, 0, 48);
  const auto expected = finish(*alone, 8);

  auto trainer = root(small_model(), options, 1);
  lend(small_model(), hosting("moon"));
  submit(trainer, 0, 24);
  const auto half = finish(trainer, 4);
  // A save ends the run, and another one goes on. Its first step waits for who has come.
  const auto comes = [&](std::size_t times) { return notices_.wait_for("host moon joins", times); };
  ASSERT_TRUE(comes(2)) << notices_.text();
  submit(trainer, 24, 48);
  EXPECT_EQ(finish(trainer, 8), expected);
  EXPECT_EQ(notices_.count("host moon still has the state of step 4"), 1) << notices_.text();
  ASSERT_TRUE(comes(3)) << notices_.text();
  ASSERT_TRUE(trainer.restore(half));
  ASSERT_TRUE(comes(4)) << notices_.text();
  submit(trainer, 24, 48);
  EXPECT_EQ(finish(trainer, 8), expected);
  EXPECT_EQ(notices_.count("host moon is ready"), 3) << notices_.text();
  // The last save has sent it away again; on its way back it hears that there is no more.
  EXPECT_TRUE(trainer.close());
  EXPECT_TRUE(hosts_.front().get());
  hosts_.clear();
  EXPECT_EQ(said_.count("trying"), 0) << said_.text();
}

TEST_F(EmbeddedHosts, TrainALanguageModelTogether) {
  constexpr LanguageModel::Sizes sizes{
      .layers = 1, .heads = 2, .width = 16, .context = 8, .vocabulary = 16};
  auto options = small_options();
  options.batches = [](std::uint64_t epoch, std::uint64_t step, std::uint32_t position) {
    TokenWindows windows{1, sizes.context, {}, {}};
    for (std::int32_t i = 0; i < sizes.context; ++i) {
      const auto token = static_cast<std::int32_t>(5 * i + 3 * position + step + epoch) % 16;
      windows.inputs.push_back(token);
      windows.targets.push_back((token + 5) % 16);
    }
    return AnyValue::of(std::move(windows));
  };
  auto alone = Trainer::create(*LanguageModel::create(sizes), options);
  const auto expected = finish(*alone, 8);
  auto trainer = root(*LanguageModel::create(sizes), options, 1);
  lend(*LanguageModel::create(sizes), hosting("moon"));
  EXPECT_EQ(finish(trainer, 8), expected);
}

TEST_F(EmbeddedHosts, OfAnotherModelAreRefused) {
  auto trainer = root(small_model(), small_options(), 1);
  const auto other = host(MultilayerPerceptron({1, 16, 1}), hosting("moon"));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(other.error().message.find("the run trains MultilayerPerceptron, 97 parameters"),
            std::string::npos)
      << other.error().message;
  const auto ended = test::run(
      folder_, {"host", "--connect", address_, "--secret", "run.secret", "--name", "program"});
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_NE(ended.err.find("this program lends itself to nodezero train alone"), std::string::npos)
      << ended.err;
  std::ofstream(folder_ / "other.secret") << runtime::network::new_secret().value();
  fs::permissions(folder_ / "other.secret", fs::perms::owner_read | fs::perms::owner_write);
  auto options = hosting("stranger");
  options.credentials.secret = folder_ / "other.secret";
  options.wait = 0s;
  const auto stranger = host(small_model(), options);
  ASSERT_FALSE(stranger);
  EXPECT_NE(stranger.error().message.find("not this run's secret"), std::string::npos)
      << stranger.error().message;
}

TEST_F(EmbeddedHosts, LeaveWhenTheyAreAskedTo) {
  auto options = small_options();
  options.total_steps = 0;
  options.steps_in_epoch = 1'000'000;
  auto trainer = root(small_model(), options, 1);
  lend(small_model(), hosting("moon"));
  ASSERT_TRUE(trainer.wait_for_steps(2, 60s));
  stop_.request_stop();
  EXPECT_TRUE(hosts_.front().get());
  hosts_.clear();
  const auto steps = trainer.status().steps;
  EXPECT_TRUE(trainer.wait_for_steps(steps + 2, 60s));
}

TEST_F(EmbeddedHosts, AreNotWaitedForLongerThanIsSaid) {
  auto machines = listening(1);
  machines.wait = 0s;
  auto options = small_options();
  options.machines = listen(machines).value();
  auto trainer = Trainer::create(small_model(), options);
  ASSERT_TRUE(trainer);
  EXPECT_EQ(trainer->wait_for_steps(1, 60s)->progress, Progress::failed);
  EXPECT_NE(trainer->status().failure.find("only 0 of 1 hosts came"), std::string::npos);
}

struct NotPortable {
  using Batch = float;
  using Input = float;
  using Output = float;
  struct Workspace {};
  std::vector<TensorSpec> tensors() const { return {{"w", {1}}}; }
  void initialize(std::uint64_t, Tensors) const {}
  Loss loss_and_gradient(ConstTensors, const float&, Tensors, Workspace&) const { return {}; }
  float predict(ConstTensors, const float& x) const { return x; }
};

TEST_F(EmbeddedHosts, NeedWhatCanWork) {
  auto options = small_options();
  const auto expect = [](const auto& result, ErrorCode code, const std::string& part) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, code);
    EXPECT_NE(result.error().message.find(part), std::string::npos) << result.error().message;
  };
  options.machines = listen(listening(0)).value();
  options.running = Running::stepped;
  expect(Trainer::create(small_model(), options), ErrorCode::invalid_argument, "own_threads");
  options.running = Running::own_threads;
  expect(Trainer::create(NotPortable(), options), ErrorCode::invalid_argument,
         "needs encode and decode");
  const auto has_them = Trainer::create(small_model(), options);
  ASSERT_TRUE(has_them);
  EXPECT_EQ(has_them->status().threads.networkers, 2u);
  expect(Trainer::create(small_model(), options), ErrorCode::in_use, "another trainer");
  auto taken = listening(0);
  taken.address = address_;
  options.machines = listen(taken).value();
  expect(Trainer::create(small_model(), options), ErrorCode::internal, address_);
  auto throws = listening(0);
  throws.on_address = [](const std::string&) { throw std::runtime_error("no room"); };
  options.machines = listen(throws).value();
  expect(Trainer::create(small_model(), options), ErrorCode::internal, "no room");
  auto silent = listening(0);
  silent.on_address = nullptr;
  options.machines = listen(silent).value();
  EXPECT_TRUE(Trainer::create(small_model(), options));

  auto bad = listening(0);
  bad.address = "nowhere:port";
  expect(listen(bad), ErrorCode::invalid_argument, "nowhere:port");
  bad = listening(0);
  bad.credentials = {};
  expect(listen(bad), ErrorCode::invalid_argument, "machines need a secret");
  bad.credentials.secret = folder_ / "none";
  expect(listen(bad), ErrorCode::invalid_argument, "none");
  auto nobody = hosting("moon");
  nobody.connect = "127.0.0.1:1";
  nobody.wait = 0s;
  expect(host(small_model(), nobody), ErrorCode::timed_out, "no root at 127.0.0.1:1");
  expect(host(make_trainable(NotPortable()), nobody), ErrorCode::invalid_argument,
         "needs encode and decode");
}

/// A model in C with one weight, whose batches are one float.
int loss_in_c(void*, const float* const* parameters, const void* batch, size_t size,
              float* const* gradient, double* sum, int64_t* count) {
  float x = 0;
  if (size != sizeof x) {
    return 1;
  }
  std::memcpy(&x, batch, size);
  gradient[0][0] = 2 * (parameters[0][0] - x);
  *sum = (parameters[0][0] - x) * (parameters[0][0] - x);
  *count = 1;
  return 0;
}

TEST_F(EmbeddedHosts, WorkInC) {
  const int64_t shape[] = {1};
  const nodezero_tensor tensor = {"w", shape, 1};
  nodezero_model model;
  nodezero_model_init(&model, sizeof model);
  model.tensors = &tensor;
  model.tensor_count = 1;
  model.loss_and_gradient = loss_in_c;
  model.identity = "one weight, version 1";
  nodezero_options options;
  nodezero_options_init(&options, sizeof options);
  options.running = NODEZERO_OWN_THREADS;
  options.micro_batches = 4;
  options.total_steps = 6;
  char message[400] = "";

  const std::string secret_path = secret().string();
  nodezero_listen_options listening;
  nodezero_listen_options_init(&listening, sizeof listening);
  EXPECT_EQ(nodezero_listen(&listening, &options.machines, message, sizeof message),
            NODEZERO_INVALID_ARGUMENT);
  EXPECT_NE(std::string(message).find("machines need a secret"), std::string::npos);
  listening.address = "127.0.0.1:0";
  listening.credentials.secret = secret_path.c_str();
  listening.hosts = 1;
  listening.user = &address_;
  listening.on_address = [](void* user, const char* address) {
    *static_cast<std::string*>(user) = address;
  };

  const auto weights = [&](nodezero_machines* machines) {
    options.machines = machines;
    nodezero_trainer* trainer = nullptr;
    EXPECT_EQ(nodezero_create(&model, &options, &trainer, message, sizeof message), NODEZERO_OK)
        << message;
    std::future<int> host;
    nodezero_host_options hosting;
    nodezero_host_options_init(&hosting, sizeof hosting);
    if (machines) {
      hosting.connect = address_.c_str();
      hosting.credentials.secret = secret_path.c_str();
      hosting.name = "moon";
      host = std::async(std::launch::async, [&] {
        char why[400] = "";
        const int code = nodezero_host(&model, &hosting, why, sizeof why);
        EXPECT_STREQ(why, "");
        return code;
      });
    }
    for (int i = 0; i < 24; ++i) {
      const float x = 0.1f * static_cast<float>(i);
      EXPECT_EQ(nodezero_submit(trainer, &x, sizeof x), NODEZERO_OK);
    }
    EXPECT_EQ(nodezero_wait_for_steps(trainer, 6, 60'000, nullptr), NODEZERO_OK);
    size_t size = 0;
    nodezero_save(trainer, nullptr, &size);
    std::vector<std::byte> state(size);
    EXPECT_EQ(nodezero_save(trainer, state.data(), &size), NODEZERO_OK);
    nodezero_destroy(trainer);
    if (host.valid()) {
      EXPECT_EQ(host.get(), NODEZERO_OK);
    }
    return state;
  };
  const auto alone = weights(nullptr);
  nodezero_machines* machines = nullptr;
  ASSERT_EQ(nodezero_listen(&listening, &machines, message, sizeof message), NODEZERO_OK)
      << message;
  EXPECT_EQ(weights(machines), alone);
  nodezero_machines_destroy(machines);

  nodezero_stop* const stop = nodezero_stop_create();
  nodezero_stop_request(stop);
  nodezero_host_options hosting;
  nodezero_host_options_init(&hosting, sizeof hosting);
  hosting.connect = "127.0.0.1:1";
  hosting.credentials.secret = secret_path.c_str();
  hosting.stop = stop;
  EXPECT_EQ(nodezero_host(&model, &hosting, message, sizeof message), NODEZERO_OK) << message;
  nodezero_stop_destroy(stop);
}

}  // namespace
}  // namespace nodezero
