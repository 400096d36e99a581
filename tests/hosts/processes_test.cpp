// SPDX-License-Identifier: BSD-3-Clause

// Runs on several machines, as processes on this one: the weights that one process alone makes.

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

#include <gtest/gtest.h>

#include "program/support/program.hpp"

namespace nodezero::test {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

/// A model with three blocks of gradients, so that each of three machines adds one.
const Words model{"--width", "64", "--layers", "2", "--dropout", "0.1", "--micro-batches", "7"};

Words operator+(Words left, const Words& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

/// A folder with a text and a secret.
class Machines : public ::testing::Test {
 protected:
  Machines() {
    write_text(folder_, "text.txt", 20'000);
    std::ofstream(folder_ / "run.secret") << run(folder_, {"secret"}).out;
    fs::permissions(folder_ / "run.secret", fs::perms::owner_read | fs::perms::owner_write);
  }

  std::string alone(const Words& more) {
    const auto ended = run(folder_, tiny_training("alone", model + more));
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    return digests(folder_ / "alone");
  }

  /// Starts a run that listens, and finds out where.
  std::unique_ptr<Program> root(const std::string& out, const Words& more) {
    auto program = std::make_unique<Program>(
        folder_,
        tiny_training(out,
                      model + Words{"--listen", "127.0.0.1:0", "--secret", "run.secret"} + more));
    EXPECT_TRUE(program->wait_for("hosts can connect to 127.0.0.1:"));
    run_ = out;
    return program;
  }

  std::unique_ptr<Program> host(const std::string& name, const Words& more = {}) {
    return std::make_unique<Program>(
        folder_, Words{"host", "--connect", run_, "--secret", "run.secret", "--name", name} + more);
  }

  Folder folder_;
  std::string run_;  ///< folder of the run that listens; its address is in it
};

TEST_F(Machines, ComputeTheWeightsOfOneMachineAlone) {
  struct Case {
    Words arithmetic;
    Words placement;
    std::vector<Words> hosts;
  };
  const std::vector<Case> cases{
      {{"--steps", "6"}, {"--spheres", "1", "--threads", "1"}, {}},
      {{"--steps", "6"}, {"--spheres", "13", "--threads", "2"}, {{"--threads", "1"}}},
      {{"--steps", "6"},
       {"--spheres", "3", "--threads", "1"},
       {{"--threads", "2"}, {"--threads", "1"}}},
      {{"--exchange", "bf16", "--steps", "6"},
       {"--spheres", "3", "--threads", "1"},
       {{"--threads", "2"}, {"--threads", "1"}}},
      {{"--precision", "bf16", "--exchange", "bf16", "--exchange-from", "4", "--steps", "6"},
       {"--spheres", "3", "--threads", "1"},
       {{"--threads", "2"}, {"--threads", "1"}}},
      {{"--precision", "bf16", "--steps", "6"},
       {"--spheres", "1", "--threads", "1"},
       {{"--threads", "2"}}},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto& [arithmetic, placement, more] = cases[i];
    fs::remove_all(folder_ / "alone");
    const std::string expected = alone(arithmetic);
    const std::string out = "out" + std::to_string(i);
    auto root_program =
        root(out, arithmetic + placement + Words{"--hosts", std::to_string(more.size())});
    std::vector<std::unique_ptr<Program>> hosts;
    for (std::size_t k = 0; k < more.size(); ++k) {
      hosts.push_back(host("host-" + std::to_string(k), more[k]));
    }
    const auto ended = root_program->wait();
    EXPECT_EQ(ended.exit_code, 0) << ended.out << ended.err;
    EXPECT_EQ(digests(folder_ / out), expected) << "case " << i;
    for (auto& each : hosts) {
      const auto host_ended = each->wait();
      EXPECT_EQ(host_ended.exit_code, 0) << host_ended.out << host_ended.err;
    }
  }
}

TEST_F(Machines, GoOnWithoutAHostThatIsKilledAndWithOneThatJoins) {
  // With this schedule a run that is stopped has the weights of one that was planned to end there.
  const Words endless{"--schedule", "constant", "--steps", "1000000", "--hosts", "2"};
  auto root_program = root("out", endless);
  const auto first = host("first");
  const auto second = host("second");
  ASSERT_TRUE(root_program->wait_for(" is ready at step 1"));
  ASSERT_TRUE(root_program->wait_for(" is ready at step 1"));
  first->send(SIGKILL);
  ASSERT_TRUE(root_program->wait_for("host first lost"));
  const auto third = host("third");
  ASSERT_TRUE(root_program->wait_for("host third is ready"));
  second->send(SIGINT);
  ASSERT_TRUE(root_program->wait_for("host second lost"));
  root_program->send(SIGINT);
  const auto ended = root_program->wait();
  EXPECT_EQ(ended.exit_code, 128 + SIGINT) << ended.out << ended.err;
  EXPECT_EQ(second->wait().exit_code, 128 + SIGINT);
  EXPECT_EQ(third->wait().exit_code, 0);
  const auto steps = read_json(folder_ / "out/run.json").at("sessions").at(0).at("step");
  EXPECT_EQ(alone({"--schedule", "constant", "--steps", steps.dump()}), digests(folder_ / "out"));
}

TEST_F(Machines, HaveAllThatARunNeedsWhenItsRootIsGone) {
  auto first_root = root("out", {"--schedule", "constant", "--steps", "1000000", "--hosts", "1"});
  const auto only = host("only");
  ASSERT_TRUE(first_root->wait_for("  loss "));
  const auto address = read_json(folder_ / "out/hosts.json").at("machines").at(1).at("address");
  first_root->send(SIGKILL);
  first_root->wait();
  std::ifstream file(folder_ / "out/root.address");
  std::string listen;
  std::getline(file, listen);
  ASSERT_TRUE(only->wait_for("trying out every second"));
  Program next_root(folder_, {"train", "--resume", "--from", address.get<std::string>(), "--secret",
                              "run.secret", "--out", "new", "--listen", listen, "--hosts", "1"});
  ASSERT_TRUE(next_root.wait_for("host only still has the state of step"));
  ASSERT_TRUE(next_root.wait_for("host only is ready"));
  // The first commit may have been lost with the root, and no run has 0 steps.
  ASSERT_TRUE(next_root.wait_for("  loss "));
  next_root.send(SIGINT);
  const auto ended = next_root.wait();
  EXPECT_EQ(ended.exit_code, 128 + SIGINT) << ended.out << ended.err;
  EXPECT_EQ(only->wait().exit_code, 0);
  const auto steps = read_json(folder_ / "new/run.json").at("sessions").back().at("step");
  EXPECT_EQ(alone({"--schedule", "constant", "--steps", steps.dump()}), digests(folder_ / "new"));
}

TEST_F(Machines, AreShown) {
  auto root_program = root("out", {"--steps", "100000", "--hosts", "2"});
  const auto first = host("first");
  const auto second = host("second");
  ASSERT_TRUE(root_program->wait_for("  loss "));
  const auto shown = run(folder_, {"hosts", "out"});
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_NE(shown.out.find("first"), std::string::npos) << shown.out;
  const auto answer = nlohmann::json::parse(run(folder_, {"hosts", "out", "--json"}).out);
  EXPECT_EQ(answer.at("command"), "hosts");
  EXPECT_TRUE(answer.contains("exchange_seconds"));
  const auto machines = read_json(folder_ / "out/hosts.json").at("machines");
  ASSERT_EQ(machines.size(), 3);
  std::uint32_t micro_batches = 0;
  for (const auto& machine : machines) {
    micro_batches += machine.at("micro_batches").get<std::uint32_t>();
  }
  EXPECT_EQ(micro_batches, 7);
  EXPECT_EQ(machines.at(1).at("address").get<std::string>().substr(0, 10), "127.0.0.1:");
  root_program->send(SIGINT);
  root_program->wait();
  EXPECT_EQ(run(folder_, {"hosts", "out"}).exit_code, 2);
}

TEST_F(Machines, AreRefusedByAHostWithoutTheMemory) {
  auto root_program = root("out", {"--steps", "100000", "--host-timeout", "2"});
  const auto ended = host("small", {"--memory", "1MB", "--host-timeout", "2"})->wait();
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.err.find("MB here, and 1 MB are available"), std::string::npos) << ended.err;
  root_program->send(SIGINT);
  root_program->wait();
}

TEST_F(Machines, TrainWhileTheModelIsServedAndEvaluated) {
  const Words options{"--steps", "8", "--eval-every", "3", "--validation", "0.1"};
  const std::string expected = alone(options);
  auto root_program = root("out", options + Words{"--hosts", "1", "--serve", "0"});
  EXPECT_TRUE(root_program->wait_for("serving at http"));
  const auto only = host("only");
  EXPECT_TRUE(root_program->wait_for("validation after step 3"));
  const auto ended = root_program->wait();
  EXPECT_EQ(ended.exit_code, 0) << ended.out << ended.err;
  EXPECT_EQ(digests(folder_ / "out"), expected);
  EXPECT_EQ(content_of(folder_ / "out/best/model.safetensors"),
            content_of(folder_ / "alone/best/model.safetensors"));
}

TEST_F(Machines, ArePlanned) {
  const auto plan = run(folder_, tiny_training("out", model + Words{"--plan"}));
  EXPECT_NE(plan.out.find("10 Gbit/s"), std::string::npos) << plan.out;
}

TEST_F(Machines, StopWithTheRoot) {
  auto root_program = root("out", {"--steps", "100000", "--hosts", "1"});
  const auto only = host("only");
  ASSERT_TRUE(root_program->wait_for("host only is ready"));
  root_program->send(SIGINT);
  EXPECT_EQ(root_program->wait().exit_code, 128 + SIGINT);
  EXPECT_EQ(only->wait().exit_code, 0);
}

TEST_F(Machines, AreNotLetInWithAnotherSecret) {
  auto root_program = root("out", {"--steps", "100000"});
  std::ofstream(folder_ / "other.secret") << run(folder_, {"secret"}).out;
  fs::permissions(folder_ / "other.secret", fs::perms::owner_read | fs::perms::owner_write);
  const auto stranger =
      run(folder_, {"host", "--connect", "out", "--secret", "other.secret", "--wait", "1"});
  EXPECT_EQ(stranger.exit_code, 1);
  EXPECT_NE(stranger.err.find("not this run's secret"), std::string::npos) << stranger.err;
  EXPECT_TRUE(root_program->wait_for("not this run's secret"));
  root_program->send(SIGINT);
  root_program->wait();
}

TEST_F(Machines, HaveASecretThatIsKeptFromOthersAndOffTheTerminal) {
  const std::string secret = std::string(NODEZERO_BINARY) + " secret";
  const fs::path file = folder_ / "new.secret";
  EXPECT_EQ(std::system(("umask 022 && " + secret + " > '" + file.string() + "'").c_str()), 0);
  EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  const auto on_terminal = [&](const std::string& command) {
    return std::system(("script -qec '" + command + "' /dev/null > '" +
                        (folder_ / "terminal").string() + "' < /dev/null")
                           .c_str());
  };
  EXPECT_NE(on_terminal(secret), 0);
  EXPECT_NE(content_of(folder_ / "terminal").find("does not belong on a terminal"),
            std::string::npos);
  EXPECT_EQ(on_terminal(secret + " --print"), 0);
}

TEST_F(Machines, NeedASecretThatNobodyElseCanRead) {
  const auto without = run(folder_, tiny_training("out", {"--listen", "127.0.0.1:0"}));
  EXPECT_EQ(without.exit_code, 2);
  EXPECT_NE(without.err.find("--listen needs --secret FILE"), std::string::npos) << without.err;
  fs::permissions(folder_ / "run.secret", fs::perms::others_read, fs::perm_options::add);
  const auto open = run(folder_, {"host", "--connect", "127.0.0.1:1", "--secret", "run.secret"});
  EXPECT_EQ(open.exit_code, 2);
  EXPECT_NE(open.err.find("chmod 600"), std::string::npos) << open.err;
}

TEST_F(Machines, MayHaveCertificatesOfAnAuthorityInstead) {
  const std::string make =
      "cd '" + folder_.path().string() +
      "' && exec 2>/dev/null && for who in ca other; do openssl req -x509 -newkey ec -pkeyopt "
      "ec_paramgen_curve:P-256 -nodes -subj /CN=$who -keyout $who.key -out $who.pem -days 2; done "
      "&& for who in root host; do openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
      "-subj /CN=$who -keyout $who.key -out $who.csr && openssl x509 -req -in $who.csr -CA ca.pem "
      "-CAkey ca.key -CAcreateserial -out $who.pem -days 2; done";
  if (std::system(make.c_str()) != 0) {
    GTEST_SKIP() << "the program openssl is not installed";
  }
  const auto credentials = [](const std::string& who, const std::string& authority) {
    return Words{"--certificate", who + ".pem", "--key", who + ".key", "--ca", authority + ".pem"};
  };
  Program root_program(
      folder_, tiny_training("out", model + Words{"--steps", "100000", "--listen", "127.0.0.1:0"} +
                                        credentials("root", "ca")));
  ASSERT_TRUE(root_program.wait_for("hosts can connect to"));
  const Words connect{"host", "--connect", "out", "--wait", "1"};
  const auto stranger = run(folder_, connect + credentials("other", "other"));
  EXPECT_EQ(stranger.exit_code, 1) << stranger.err;
  Program only(folder_, connect + Words{"--name", "only"} + credentials("host", "ca"));
  EXPECT_TRUE(root_program.wait_for("host only is ready"));
  root_program.send(SIGINT);
  root_program.wait();
  EXPECT_EQ(only.wait().exit_code, 0);
  const auto half = run(folder_, connect + Words{"--key", "host.key"});
  EXPECT_EQ(half.exit_code, 2);
  EXPECT_NE(half.err.find("--certificate, --key and --ca"), std::string::npos) << half.err;
  fs::permissions(folder_ / "host.key", fs::perms::others_read, fs::perm_options::add);
  const auto open = run(folder_, connect + credentials("host", "ca"));
  EXPECT_NE(open.err.find("chmod 600"), std::string::npos) << open.err;
}

TEST_F(Machines, AreStartedByAClusterWithOneCommand) {
  const std::string expected = alone({"--steps", "6"});
  const auto start = [&](const char* number) {
    setenv("SLURM_PROCID", number, 1);
    return std::make_unique<Program>(
        folder_,
        tiny_training("out", model + Words{"--steps", "6", "--cluster", "slurm", "--listen",
                                           "127.0.0.1:0", "--secret", "run.secret"}));
  };
  setenv("SLURM_NTASKS", "3", 1);
  std::vector<std::unique_ptr<Program>> processes;
  for (const char* number : {"2", "0", "1"}) {
    processes.push_back(start(number));
  }
  for (auto& process : processes) {
    const auto ended = process->wait();
    EXPECT_EQ(ended.exit_code, 0) << ended.out << ended.err;
  }
  EXPECT_EQ(digests(folder_ / "out"), expected);
  unsetenv("SLURM_PROCID");
  unsetenv("SLURM_NTASKS");
  const auto outside = run(folder_, tiny_training("out", {"--cluster", "slurm"}));
  EXPECT_EQ(outside.exit_code, 2);
  EXPECT_NE(outside.err.find("SLURM_PROCID is not set"), std::string::npos) << outside.err;
}

TEST_F(Machines, SaySoIfAnotherRunListensThere) {
  auto root_program = root("out", {"--steps", "100000"});
  std::ifstream file(folder_ / "out/root.address");
  std::string address;
  std::getline(file, address);
  const auto ended =
      run(folder_, tiny_training("other", Words{"--listen", address, "--secret", "run.secret"}));
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.err.find("cannot listen at " + address), std::string::npos) << ended.err;
  root_program->send(SIGINT);
  root_program->wait();
}

TEST_F(Machines, SaySoIfHostsDoNotCome) {
  const auto ended = run(
      folder_, tiny_training("out", model + Words{"--listen", "127.0.0.1:0", "--secret",
                                                  "run.secret", "--hosts", "1", "--wait", "1"}));
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.err.find("only 0 of 1 hosts came within 1 s"), std::string::npos) << ended.err;
}

}  // namespace
}  // namespace nodezero::test
