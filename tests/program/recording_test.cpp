// SPDX-License-Identifier: BSD-3-Clause

// What `nodezero train` records of itself, and how that survives its end.

#include <algorithm>
#include <arpa/inet.h>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <netinet/in.h>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/trace/trace_file.hpp"
#include "support/program.hpp"

namespace nodezero::test {
namespace {

using runtime::trace::Kind;
using runtime::trace::read_trace;
using runtime::trace::Trace;

std::size_t count_sends(const Trace& trace, std::string_view type) {
  return static_cast<std::size_t>(std::ranges::count_if(trace.events, [&](const auto& event) {
    return event.kind == Kind::send && trace.name(event.type) == type;
  }));
}

Trace read(const std::filesystem::path& path) {
  auto trace = read_trace(path);
  EXPECT_TRUE(trace) << trace.error().message;
  return trace ? std::move(*trace) : Trace{};
}

/// A run that goes on until it is stopped.
std::vector<std::string> endless(std::vector<std::string> more) {
  more.insert(more.end(), {"--steps", "1000000", "--eval-every", "5"});
  return tiny_training("out", std::move(more));
}

bool is_one_line(const std::string& text) {
  return std::ranges::count(text, '\n') == 1 && text.back() == '\n';
}

TEST(Recording, OfAWholeRunIsComplete) {
  const Folder folder;
  write_text(folder, "text.txt");
  const auto ended =
      run(folder, tiny_training("out", {"--epochs", "2", "--trace", "whole.nztrace"}));
  ASSERT_EQ(ended.exit_code, 0) << ended.err;
  const Trace trace = read(folder / "whole.nztrace");
  EXPECT_TRUE(trace.completeness.complete());
  EXPECT_EQ(count_sends(trace, "epoch_done"), 2u);
  EXPECT_EQ(count_sends(trace, "optimizer_complete"),
            read_json_lines(folder / "out/metrics.jsonl").size());
  for (const auto& message : trace.messages) {
    EXPECT_NE(message.sent, 0u);
    EXPECT_TRUE(message.ended != 0 || message.dropped != 0);
  }
  EXPECT_EQ(trace.about.at("program"), "nodezero");
  EXPECT_EQ(nlohmann::json::parse(trace.about.at("options")).at("width"), 8);
}

TEST(Recording, ChangesNoBit) {
  const Folder folder;
  write_text(folder, "text.txt");
  run(folder, tiny_training("with", {"--trace", "whole.nztrace"}));
  run(folder, tiny_training("without", {"--trace-ring", "0"}));
  EXPECT_EQ(digests(folder / "with"), digests(folder / "without"));
}

TEST(Recording, OfAKilledRunIsReadUpToItsLastBlock) {
  const Folder folder;
  write_text(folder, "text.txt");
  Program program(folder, endless({"--trace", "killed.nztrace"}));
  ASSERT_TRUE(program.wait_for("validation after step"));
  const auto has_steps = [&] {
    const auto trace = read_trace(folder / "killed.nztrace");
    return trace && count_sends(*trace, "optimizer_complete") > 0;
  };
  while (!has_steps()) {
    std::this_thread::yield();
  }
  program.send(SIGKILL);
  EXPECT_EQ(program.wait().exit_code, -1);
  const Trace trace = read(folder / "killed.nztrace");
  EXPECT_TRUE(trace.completeness.cut_off);
  EXPECT_GT(count_sends(trace, "optimizer_complete"), 0u);
}

/// What `trace show` prints, without the numbers of events.
std::multiset<std::string> shown(const Folder& folder, const std::vector<std::string>& filter) {
  std::vector<std::string> arguments = {"trace", "show", "live.nztrace"};
  arguments.insert(arguments.end(), filter.begin(), filter.end());
  std::multiset<std::string> lines;
  std::istringstream text(run(folder, arguments).out);
  for (std::string line; std::getline(text, line);) {
    lines.insert(line.substr(line.find(" ms  ")));
  }
  return lines;
}

TEST(Recording, CanBeFollowedWhileItIsWritten) {
  const Folder folder;
  write_text(folder, "text.txt");
  Program training(folder, endless({"--trace", "live.nztrace"}));
  ASSERT_TRUE(training.wait_for("validation after step"));
  Program all(folder, {"trace", "follow", "live.nztrace"});
  Program some(folder, {"trace", "follow", "live.nztrace", "--type", "optimizer_complete"});
  ASSERT_TRUE(some.wait_for("sent optimizer_complete"));
  ASSERT_TRUE(all.wait_for("optimizer_complete"));
  training.send(SIGINT);
  EXPECT_EQ(training.wait().exit_code, 128 + SIGINT);

  const auto expect_same = [&](Program& follower, const std::vector<std::string>& filter) {
    const auto ended = follower.wait();
    EXPECT_EQ(ended.exit_code, 0);
    EXPECT_EQ(ended.err, "");
    auto left = shown(folder, filter);
    std::istringstream text(ended.out);
    for (std::string line; std::getline(text, line);) {
      const auto found = left.find(line.substr(line.find(" ms  ")));
      ASSERT_NE(found, left.end()) << line;
      left.erase(found);
    }
    EXPECT_TRUE(left.empty()) << left.size() << " missing, such as " << *left.begin();
  };
  expect_same(all, {});
  expect_same(some, {"--type", "optimizer_complete"});
}

TEST(Recording, OfAKilledRunEndsWhoeverFollowsIt) {
  const Folder folder;
  write_text(folder, "text.txt");
  Program training(folder, endless({"--trace", "live.nztrace"}));
  ASSERT_TRUE(training.wait_for("validation after step"));
  Program follower(folder, {"trace", "follow", "live.nztrace"});
  ASSERT_TRUE(follower.wait_for("optimizer_complete"));
  training.send(SIGKILL);
  training.wait();
  const auto ended = follower.wait();
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_NE(ended.err.find("the program that wrote this trace is gone"), std::string::npos);
}

TEST(Recording, IsWrittenWhenSomebodyAsks) {
  const Folder folder;
  write_text(folder, "text.txt");
  Program program(folder, endless({}));
  ASSERT_TRUE(program.wait_for("validation after step"));
  program.send(SIGUSR1);
  ASSERT_TRUE(program.wait_for("written to out/trace-asked-1.nztrace"));
  const Trace trace = read(folder / "out/trace-asked-1.nztrace");
  EXPECT_TRUE(trace.completeness.ring);
  EXPECT_GT(count_sends(trace, "optimizer_complete"), 0u);
  // The run goes on, and stops as usual.
  ASSERT_TRUE(program.wait_for("validation after step"));
  program.send(SIGUSR1);
  ASSERT_TRUE(program.wait_for("written to out/trace-asked-2.nztrace"));
  program.send(SIGINT);
  const auto ended = program.wait();
  EXPECT_EQ(ended.exit_code, 128 + SIGINT);
  // Who is missing.
  EXPECT_TRUE(ended.out.find("note: Step ") != std::string::npos ||
              ended.out.find("note: The evaluation before step ") != std::string::npos ||
              ended.out.find("note: Nothing is open") != std::string::npos ||
              ended.out.find(" asked ") != std::string::npos)
      << ended.out;
}

TEST(Recording, OfALaterSessionTakesNoEarlierOnesPlace) {
  const Folder folder;
  write_text(folder, "text.txt");
  const auto session = [&](std::vector<std::string> arguments, const std::string& name) {
    Program program(folder, std::move(arguments));
    ASSERT_TRUE(program.wait_for("validation after step"));
    program.send(SIGUSR1);
    ASSERT_TRUE(program.wait_for("written to out/" + name));
    program.send(SIGINT);
    program.wait();
    const auto check = run(folder, {"trace", "check", "out/" + name});
    EXPECT_EQ(check.exit_code, 0) << check.out;
    EXPECT_NE(check.out.find("not decidable: requests-answered"), std::string::npos) << check.out;
  };
  session(endless({}), "trace-asked-1.nztrace");
  std::filesystem::create_symlink("nowhere", folder / "out/trace-asked-2.nztrace");
  session({"train", "--resume", "--out", "out"}, "trace-asked-3.nztrace");
}

TEST(Recording, IsWrittenWhenTheProgramCrashes) {
  for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE}) {
    const Folder folder;
    write_text(folder, "text.txt");
    Program program(folder, endless({}));
    ASSERT_TRUE(program.wait_for("validation after step"));
    program.send(signal);
    const auto ended = program.wait();
    EXPECT_EQ(ended.exit_code, -1);
    EXPECT_NE(ended.err.find("the last messages were written to"), std::string::npos) << ended.err;
    std::vector<std::filesystem::path> traces;
    for (const auto& entry : std::filesystem::directory_iterator(folder / "out")) {
      if (entry.path().extension() == ".nztrace") {
        traces.push_back(entry.path());
      }
    }
    ASSERT_EQ(traces.size(), 1u);
    const Trace trace = read(traces[0]);
    EXPECT_TRUE(trace.completeness.ring);
    EXPECT_FALSE(trace.completeness.cut_off);
    EXPECT_GT(count_sends(trace, "optimizer_complete"), 0u);
  }
}

TEST(Recording, IsWrittenWhenTheRunFails) {
  const Folder folder;
  write_text(folder, "text.txt");
  const auto ended =
      run(folder, tiny_training("out", {"--learning-rate", "1e30", "--steps", "50"}));
  ASSERT_EQ(ended.exit_code, 1) << ended.out;
  EXPECT_NE(ended.out.find("written to out/trace-failed.nztrace"), std::string::npos) << ended.out;
  const Trace trace = read(folder / "out/trace-failed.nztrace");
  EXPECT_TRUE(std::ranges::any_of(trace.events, [&](const auto& event) {
    return event.kind == Kind::note && ended.err.find(trace.name(event.type)) != std::string::npos;
  })) << ended.err;
}

TEST(Recording, IsRefusedWhereItCannotBeWritten) {
  const Folder folder;
  write_text(folder, "text.txt");
  for (const std::string path : {"none/whole.nztrace", "text.txt"}) {
    const auto ended = run(folder, tiny_training("out", {"--trace", path}));
    EXPECT_EQ(ended.exit_code, 2) << path;
    EXPECT_TRUE(is_one_line(ended.err)) << ended.err;
    EXPECT_NE(ended.err.find(path), std::string::npos) << ended.err;
  }
  EXPECT_EQ(std::filesystem::file_size(folder / "text.txt"), 4'000u);
}

TEST(Recording, ThatFillsTheDiskIsSaidAndTheRunGoesOn) {
  const Folder folder;
  write_text(folder, "text.txt");
  const auto ended = run(folder, tiny_training("out", {"--trace", "/dev/full"}));
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_NE(ended.out.find("No space left on device"), std::string::npos) << ended.out;
}

TEST(Recording, IsNotOverwrittenByAResumedRun) {
  const Folder folder;
  write_text(folder, "text.txt");
  Program program(folder, endless({"--trace", "first.nztrace"}));
  ASSERT_TRUE(program.wait_for("validation after step"));
  program.send(SIGINT);
  program.wait();
  const auto size = std::filesystem::file_size(folder / "first.nztrace");
  Program resumed(folder, {"train", "--resume", "--out", "out", "--trace-ring", "0"});
  ASSERT_TRUE(resumed.wait_for("validation after step"));
  resumed.send(SIGINT);
  EXPECT_EQ(resumed.wait().exit_code, 128 + SIGINT);
  EXPECT_EQ(std::filesystem::file_size(folder / "first.nztrace"), size);
}

#ifndef NODEZERO_SANITIZED  // a sanitizer wants to be loaded before anything else

sockaddr_in this_machine(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// A port that nobody uses now.
std::uint16_t free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  auto address = this_machine(0);
  socklen_t size = sizeof address;
  ::bind(socket, reinterpret_cast<const sockaddr*>(&address), size);
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(socket);
  return ntohs(address.sin_port);
}

/// Head and body of an answer over HTTP.
std::string ask(std::uint16_t port, const std::string& path) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  const auto address = this_machine(port);
  const std::string request = "GET " + path + " HTTP/1.0\r\n\r\n";
  std::string answer;
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      ::send(socket, request.data(), request.size(), MSG_NOSIGNAL) > 0) {
    char bytes[4'096];
    for (ssize_t count = 1; (count = ::recv(socket, bytes, sizeof bytes, 0)) > 0;) {
      answer.append(bytes, static_cast<std::size_t>(count));
    }
  }
  ::close(socket);
  return answer;
}

/// To be preloaded; beside this program.
std::string hang_lanes() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "libhang_lanes.so";
}

/// A training of which all lanes hang in step 0.
class HangingRun {
 public:
  explicit HangingRun(std::vector<std::string> more) {
    write_text(folder_, "text.txt");
    const auto pipe = folder_ / "released";
    mkfifo(pipe.c_str(), 0600);
    setenv("LD_PRELOAD", hang_lanes().c_str(), 1);
    setenv("HANG_UNTIL_OPENED", pipe.c_str(), 1);
    program_.emplace(folder_, tiny_training("out", std::move(more)));
    unsetenv("LD_PRELOAD");
    unsetenv("HANG_UNTIL_OPENED");
  }

  Program& program() { return *program_; }
  /// Lets the lanes go on, and waits for the end.
  Ended end() {
    const auto pipe = folder_ / "released";
    const int held_open = ::open(pipe.c_str(), O_RDWR);  // a lane may come late
    auto ended = program_->wait();
    ::close(held_open);
    return ended;
  }

 private:
  Folder folder_;
  std::optional<Program> program_;
};

/// The paragraph names the step, a worker and its micro-batch, and the lane that it waits for.
void expect_names_a_lane(const std::string& text) {
  for (std::size_t at = 0;
       const std::string part :
       {"Step 0 of epoch 0 has been open for ", ": 0 of 3 micro-batches are reported. worker 1 ",
        "has not reported micro-batch", " asked lane_scheduler to compute micro-batch ",
        "lane_scheduler asked lane ", " has been handling compute (epoch 0, step 0, "}) {
    const auto found = text.find(part, at);
    EXPECT_NE(found, std::string::npos) << part << " in: " << text;
    at = found == std::string::npos ? at : found;
  }
}

TEST(RecordingOfAStall, IsToldWhenTheStallTimeoutEndsARun) {
  HangingRun run({"--stall-timeout", "1"});
  // Before the lanes go on: those of a real run may never do so.
  ASSERT_TRUE(run.program().wait_for("note: Step 0 of epoch 0 "));
  const auto ended = run.end();
  EXPECT_EQ(ended.exit_code, 1);
  expect_names_a_lane(ended.out);
  EXPECT_NE(ended.err.find("nothing has happened for the stall timeout"), std::string::npos)
      << ended.err;
}

TEST(RecordingOfAStall, IsToldWhenSomebodyAsks) {
  HangingRun run({"--steps", "2"});
  ASSERT_TRUE(run.program().wait_for("a lane hangs"));
  // The lane may hang before it is recorded that the scheduler, which another thread may hold up,
  // has asked it.
  do {
    run.program().send(SIGUSR1);
    ASSERT_TRUE(run.program().wait_for("note: Step 0 of epoch 0 "));
  } while (run.program().read().find("lane_scheduler asked lane ") == std::string::npos);
  const auto ended = run.end();
  EXPECT_EQ(ended.exit_code, 0) << ended.err;  // it was only asked
  expect_names_a_lane(ended.out);
}

TEST(RecordingOfAStall, IsToldToWhoeverAsksForItsHealth) {
  const auto port = free_port();
  HangingRun run({"--steps", "2", "--stall-timeout", "6", "--serve", std::to_string(port)});
  ASSERT_TRUE(run.program().wait_for("serving at http://127.0.0.1:"));
  nlohmann::json health;
  while (!health.contains("waits_for")) {  // it says so after half of the stall timeout
    const auto answer = ask(port, "/health");
    ASSERT_EQ(answer.substr(0, 12), "HTTP/1.1 200") << answer;
    health = nlohmann::json::parse(answer.substr(answer.find("\r\n\r\n")));
  }
  EXPECT_EQ(health.at("status"), "ok");
  expect_names_a_lane(health.at("waits_for"));
  run.end();
}

#endif

}  // namespace
}  // namespace nodezero::test
