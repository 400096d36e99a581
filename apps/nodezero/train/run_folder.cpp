// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/train/run_folder.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>

#include <fmt/format.h>

#include "apps/nodezero/common.hpp"
#include "model/files/atomic_file.hpp"
#include "model/storage/checkpoint.hpp"

namespace nodezero::apps {

RunFolder::RunFolder(std::filesystem::path path) : path_(std::move(path)) {
  unwrap(model::create_folder(path_));
  const auto lock_path = path_ / "lock";
  // The system releases the lock when the process ends, however it ends, so the file may stay.
  lock_ = model::FileDescriptor(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (lock_.number() < 0) {
    throw CommandError(
        exit_bad_input,
        fmt::format(
            "cannot write to folder '{}' ({}): choose another --out or change its permissions",
            path_.string(), std::generic_category().message(errno)));
  }
  if (::flock(lock_.number(), LOCK_EX | LOCK_NB) != 0) {
    throw CommandError(exit_bad_input,
                       fmt::format("another process is training in '{}': wait until it ends, or "
                                   "choose another --out",
                                   path_.string()));
  }
  // Nobody else writes here now, so what is unfinished was left by a program that was killed.
  model::remove_unfinished_checkpoints(path_);
  model::remove_unfinished_files(path_);
  model::remove_unfinished_files(path_ / "best");
}

bool RunFolder::is_still_there() const {
  struct stat held {};
  struct stat found {};
  return ::fstat(lock_.number(), &held) == 0 && ::stat((path_ / "lock").c_str(), &found) == 0 &&
         held.st_dev == found.st_dev && held.st_ino == found.st_ino;
}

bool is_run_folder(const std::filesystem::path& folder) {
  std::error_code error;
  return std::filesystem::is_regular_file(folder / "run.json", error);
}

void remove_unused(const std::filesystem::path& folder) {
  std::error_code error;
  if (is_run_folder(folder) || std::filesystem::exists(folder / "checkpoints", error)) {
    return;
  }
  std::vector<std::filesystem::path> encoded;
  for (const char* name : {"metrics.jsonl", "evaluations.jsonl"}) {
    if (std::filesystem::file_size(folder / name, error) == 0 && !error) {
      std::filesystem::remove(folder / name, error);
    }
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().filename().string().starts_with("tokens-")) {
      encoded.push_back(entry.path());
    }
  }
  for (const auto& path : encoded) {
    std::filesystem::remove(path, error);
  }
  std::filesystem::remove(folder / "lock", error);
  std::filesystem::remove(folder, error);
}

void check_unused(const std::filesystem::path& folder) {
  std::error_code error;
  for (const char* name : {"run.json", "checkpoints"}) {
    if (std::filesystem::exists(folder / name, error)) {
      throw CommandError(exit_bad_input,
                         fmt::format("'{}' already holds a run: continue it with --resume, or "
                                     "choose another --out",
                                     folder.string()));
    }
  }
  for (const char* name : {"model.safetensors", "config.json"}) {
    if (std::filesystem::exists(folder / name, error)) {
      throw CommandError(exit_bad_input,
                         fmt::format("'{}' holds a model, which the run would overwrite: choose "
                                     "another --out (and --init {} to start from that model)",
                                     folder.string(), folder.string()));
    }
  }
}

}  // namespace nodezero::apps
