// SPDX-License-Identifier: BSD-3-Clause
#include "program.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <linux/capability.h>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace nodezero::test {

namespace {

/// Shells start what runs in the background with Ctrl-C ignored, and programs would inherit that.
[[maybe_unused]] const bool signals_are_those_of_a_terminal = [] {
  return std::signal(SIGINT, SIG_DFL) != SIG_ERR && std::signal(SIGHUP, SIG_DFL) != SIG_ERR;
}();

std::string read_rest(FILE* file) {
  std::string text;
  char buffer[4'096];
  while (const auto count = std::fread(buffer, 1, sizeof buffer, file)) {
    text.append(buffer, count);
  }
  return text;
}

}  // namespace

Folder::Folder() {
  auto name = (std::filesystem::temp_directory_path() / "nodezero-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    throw std::runtime_error("cannot make a temporary folder");
  }
  path_ = name;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Program::Program(const Folder& folder, const std::vector<std::string>& arguments, Limits limits,
                 const std::string& input) {
  int out_pipe[2];
  // A file cannot fill up while nobody reads it, as a second pipe would.
  err_ = std::tmpfile();
  if (err_ == nullptr || pipe(out_pipe) != 0) {
    throw std::runtime_error("cannot make a pipe");
  }
  FILE* const in = std::tmpfile();
  if (in == nullptr) {
    throw std::runtime_error("cannot make a temporary file");
  }
  std::fwrite(input.data(), 1, input.size(), in);
  std::rewind(in);
  std::vector<std::string> words{NODEZERO_BINARY};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (auto& word : words) {
    pointers.push_back(word.data());
  }
  pointers.push_back(nullptr);
  process_ = fork();
  if (process_ == 0) {
    dup2(out_pipe[1], STDOUT_FILENO);
    dup2(fileno(err_), STDERR_FILENO);
    dup2(fileno(in), STDIN_FILENO);
    close(out_pipe[0]);
    close(out_pipe[1]);
    if (limits.file_size > 0) {
      const rlimit limit{limits.file_size, limits.file_size};
      setrlimit(RLIMIT_FSIZE, &limit);
    }
    if (limits.memory > 0) {
      const rlimit limit{limits.memory, limits.memory};
      setrlimit(RLIMIT_DATA, &limit);
    }
    // Root is then refused what a file's permissions refuse its owner; anybody else already is.
    prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE);
    prctl(PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH);
    if (chdir(folder.path().c_str()) == 0) {
      execv(pointers[0], pointers.data());
    }
    _exit(127);
  }
  std::fclose(in);
  close(out_pipe[1]);
  out_ = fdopen(out_pipe[0], "r");
}

Program::~Program() {
  if (process_ > 0) {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  std::fclose(out_);
  std::fclose(err_);
}

bool Program::read_line(std::string& line) {
  line.clear();
  for (int c = std::fgetc(out_); c != EOF; c = std::fgetc(out_)) {
    line += static_cast<char>(c);
    if (c == '\n') {
      return true;
    }
  }
  return !line.empty();
}

bool Program::wait_for(const std::string& text) {
  for (std::string line; read_line(line);) {
    read_ += line;
    if (line.find(text) != std::string::npos) {
      return true;
    }
  }
  return false;
}

void Program::send(int signal) {
  kill(process_, signal);
}

Ended Program::wait() {
  Ended ended;
  ended.out = read_ + read_rest(out_);
  int status = 0;
  waitpid(process_, &status, 0);
  process_ = -1;
  ended.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  std::rewind(err_);
  ended.err = read_rest(err_);
  return ended;
}

Ended run(const Folder& folder, const std::vector<std::string>& arguments, Limits limits,
          const std::string& input) {
  return Program(folder, arguments, limits, input).wait();
}

std::string write_text(const Folder& folder, const std::string& name, std::size_t bytes) {
  std::string text;
  for (std::size_t i = 0; text.size() < bytes; ++i) {
    text += i % 7 == 0 ? "the spheres turn\n" : i % 3 == 0 ? "and sing " : "a round ";
  }
  text.resize(bytes);
  std::ofstream(folder / name, std::ios::binary) << text;
  return name;
}

std::vector<std::string> tiny_training(const std::string& out, std::vector<std::string> more) {
  const std::vector<std::pair<std::string, std::string>> usual{
      {"--data", "text.txt"}, {"--layers", "1"}, {"--heads", "2"},         {"--width", "8"},
      {"--context", "8"},     {"--batch", "2"},  {"--micro-batches", "3"}, {"--threads", "2"}};
  std::vector<std::string> arguments{"train", "--out", out};
  for (const auto& [name, value] : usual) {
    if (std::find(more.begin(), more.end(), name) == more.end()) {
      arguments.insert(arguments.end(), {name, value});
    }
  }
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write(const std::filesystem::path& path, const std::string& content) {
  if (path.has_parent_path()) {
    std::filesystem::create_directories(path.parent_path());
  }
  std::ofstream(path, std::ios::binary) << content;
}

nlohmann::json read_json(const std::filesystem::path& path) {
  std::ifstream file(path);
  return nlohmann::json::parse(file);
}

std::vector<nlohmann::json> read_json_lines(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(file, line);) {
    lines.push_back(nlohmann::json::parse(line));
  }
  return lines;
}

std::string digests(const std::filesystem::path& run) {
  const auto results = read_json(run / "run.json").at("results");
  return results.at("weights_sha256").get<std::string>() + " " +
         results.at("optimizer_sha256").get<std::string>();
}

}  // namespace nodezero::test
