// SPDX-License-Identifier: BSD-3-Clause

// Trainers of host programs on several machines, which are threads of this process here.

#include "hosts/support/embedded_hosts.hpp"

#include <stdexcept>

#include "actors/embedding/machines.hpp"
#include "actors/hosts/hosts_of_run.hpp"
#include "nodezero/language_model.hpp"
#include "nodezero/version.h"
#include "runtime/network/secure_network.hpp"

namespace nodezero::test {
namespace {

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
  const auto ended =
      run(folder_, {"host", "--connect", address_, "--secret", "run.secret", "--name", "program"});
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

struct Coloured : MultilayerPerceptron {
  using MultilayerPerceptron::MultilayerPerceptron;
  std::string identity() const { return "\x1b[31mred"; }
};

TEST_F(EmbeddedHosts, AreRefusedWithTheNamesOfTheModelsEscaped) {
  auto trainer = root(Coloured({1, 32, 1}), small_options(), 1);
  const auto end = host(Coloured({1, 16, 1}), hosting("moon"));
  ASSERT_FALSE(end);
  const auto& message = end.error().message;
  EXPECT_NE(message.find("the run trains \\x1B[31mred, 97 parameters"), std::string::npos)
      << message;
  EXPECT_NE(message.find("this program \\x1B[31mred, 49 parameters"), std::string::npos) << message;
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

struct Unsendable : MultilayerPerceptron {
  using MultilayerPerceptron::MultilayerPerceptron;
  std::vector<std::byte> encode(const Examples&) const { throw std::runtime_error("no words"); }
};

TEST_F(EmbeddedHosts, GetNothingThatCannotBeEncodedAndTheRunSaysWhy) {
  auto trainer = root(Unsendable({1, 32, 1}), small_options(), 1);
  lend(small_model(), hosting("moon"));
  EXPECT_EQ(trainer.wait_for_steps(1, 60s)->progress, Progress::failed);
  EXPECT_EQ(trainer.status().failure,
            "a batch could not be encoded: the model threw: no words (run 0000000000000001, epoch "
            "0, step 0)");
  EXPECT_TRUE(trainer.close());
  EXPECT_TRUE(hosts_.front().get());  // nothing is wrong there
  hosts_.clear();
}

struct Unreadable : MultilayerPerceptron {
  using MultilayerPerceptron::MultilayerPerceptron;
  Examples decode(std::span<const std::byte>) const { throw std::runtime_error("all Greek"); }
};

TEST_F(EmbeddedHosts, ThatCannotDecodeABatchFailTheRunWithTheirReason) {
  auto trainer = root(small_model(), small_options(), 1);
  lend(Unreadable({1, 32, 1}), hosting("moon"));
  EXPECT_EQ(trainer.wait_for_steps(1, 60s)->progress, Progress::failed);
  EXPECT_EQ(trainer.status().failure,
            "host moon: the model threw: all Greek (run 0000000000000001, epoch 0, step 0)");
  EXPECT_TRUE(trainer.close());
  EXPECT_TRUE(hosts_.front().get());
  hosts_.clear();
}

/// Vanish without a word when the trainer ends.
class VanishingHosts : public actors::HostsOfRun {
 public:
  using HostsOfRun::HostsOfRun;
  void end() override { break_off(); }
};

TEST_F(EmbeddedHosts, ReturnIfTheRootIsGoneForLongerThanTheyWait) {
  namespace network = runtime::network;
  auto identity = network::identity_of(network::read_secret(secret()).value());
  const auto hosts = std::make_shared<VanishingHosts>(actors::HostsOfRunSettings{
      .network = std::make_shared<network::SecureNetwork>(
          std::move(*identity),
          network::SecureNetworkSettings{.listen = {.host = "127.0.0.1", .port = 0}}),
      .version = NODEZERO_VERSION_STRING,
      .wanted = 1,
      .on_address = [this](const std::string& address) { address_ = address; }});
  auto options = small_options();
  options.machines = std::make_shared<Machines>([hosts] { return hosts; });
  auto trainer = Trainer::create(small_model(), std::move(options)).value();
  auto brief = hosting("moon");
  brief.wait = 0s;
  lend(small_model(), brief);
  ASSERT_TRUE(trainer.wait_for_steps(8, 60s));
  EXPECT_TRUE(trainer.close());
  const auto end = hosts_.front().get();
  hosts_.clear();
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, ErrorCode::timed_out);
  EXPECT_NE(end.error().message.find("no root at " + address_ + " within 0 s"), std::string::npos)
      << end.error().message;
  EXPECT_EQ(said_.count("the root is gone"), 1) << said_.text();
}

struct Unready : MultilayerPerceptron {
  using MultilayerPerceptron::MultilayerPerceptron;
  void initialize(std::uint64_t, Tensors) const { throw std::runtime_error("not yet"); }
};

TEST_F(EmbeddedHosts, ComeToAnotherTrainerIfOneCouldNotBeCreatedOrHasEnded) {
  auto machines = listening(1);
  int addresses = 0;
  machines.on_address = [&](const std::string& address) {
    address_ = address;
    if (++addresses == 1) {
      throw std::runtime_error("no room");
    }
  };
  auto options = small_options();
  const auto expected = state_alone(options);
  options.machines = listen(machines).value();
  EXPECT_EQ(Trainer::create(Unready({1, 32, 1}), options).error().message,
            "the trainer cannot begin: the model threw: not yet");
  EXPECT_EQ(Trainer::create(small_model(), options).error().message,
            "the trainer cannot begin: no room");
  for (int i = 0; i < 2; ++i) {
    auto trainer = Trainer::create(small_model(), options);
    ASSERT_TRUE(trainer) << trainer.error().message;
    EXPECT_EQ(Trainer::create(small_model(), options).error().code, ErrorCode::in_use);
    lend(small_model(), hosting("moon"));
    EXPECT_EQ(finish(*trainer, 8), expected);
  }
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
  bad.credentials.certificate = bad.credentials.key = "some.pem";
  expect(listen(bad), ErrorCode::invalid_argument, "all three");
  bad.credentials.authority = "some.pem";
  bad.credentials.secret = secret();
  expect(listen(bad), ErrorCode::invalid_argument, "all three");
  bad.credentials = {};
  bad.credentials.secret = folder_ / "none";
  expect(listen(bad), ErrorCode::invalid_argument, "none");
  auto nobody = hosting("moon");
  nobody.connect = "127.0.0.1:1";
  nobody.wait = 0s;
  expect(host(small_model(), nobody), ErrorCode::timed_out, "no root at 127.0.0.1:1");
  expect(host(make_trainable(NotPortable()), nobody), ErrorCode::invalid_argument,
         "needs encode and decode");
}

}  // namespace
}  // namespace nodezero::test
