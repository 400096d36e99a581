// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

#include <nlohmann/json.hpp>

namespace nodezero::test {

/// A folder of its own for each test, empty at first and removed at the end.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// What a program that has ended left behind.
struct Ended {
  int exit_code = -1;  ///< -1: a signal ended it
  std::string out;
  std::string err;
};

/// What a program may use, in bytes; 0: no limit.
struct Limits {
  std::size_t file_size = 0;
  std::size_t memory = 0;  ///< of its own: what is mapped from files does not count
};

/// The program `nodezero` while it runs, with pipes for what it says.
class Program {
 public:
  /// `folder` becomes its working directory, `input` is what it reads from its standard input.
  Program(const Folder& folder, const std::vector<std::string>& arguments, Limits limits = {},
          const std::string& input = "");
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// Reads lines of its standard output until one holds `text`; false if it ends before.
  bool wait_for(const std::string& text);
  /// What wait_for() has read so far.
  const std::string& read() const { return read_; }
  void send(int signal);
  /// Reads the rest and waits for the end.
  Ended wait();

 private:
  bool read_line(std::string& line);

  pid_t process_ = -1;
  FILE* out_ = nullptr;
  FILE* err_ = nullptr;
  std::string read_;
};

/// Runs the program to its end.
Ended run(const Folder& folder, const std::vector<std::string>& arguments, Limits limits = {},
          const std::string& input = "");

/// Writes a file of `bytes` bytes of words and returns its name.
std::string write_text(const Folder& folder, const std::string& name, std::size_t bytes = 4'000);

/// The arguments for `nodezero train` of a model as small as models get, on text.txt into
/// the folder `out`. Options in `more` replace the usual ones.
std::vector<std::string> tiny_training(const std::string& out, std::vector<std::string> more = {});

/// All bytes of a file.
std::string content_of(const std::filesystem::path& path);

/// Writes a file, and the folders that it lies in.
void write(const std::filesystem::path& path, const std::string& content);

nlohmann::json read_json(const std::filesystem::path& path);
std::vector<nlohmann::json> read_json_lines(const std::filesystem::path& path);

/// weights_sha256 and optimizer_sha256 of a run's results.
std::string digests(const std::filesystem::path& run);

}  // namespace nodezero::test
