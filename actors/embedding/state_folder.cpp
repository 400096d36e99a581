// SPDX-License-Identifier: BSD-3-Clause
#include "actors/embedding/state_folder.hpp"

#include <fcntl.h>
#include <mutex>
#include <pthread.h>
#include <string_view>
#include <sys/file.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include "model/files/atomic_file.hpp"

namespace nodezero::actors {
namespace {

/// The locked files of this process. If it dies, its locks live on for as long as any child has the
/// files open, so a child closes them before it does anything else.
struct OpenLocks {
  std::mutex mutex;
  std::vector<int> files;
};

OpenLocks& open_locks() {
  static OpenLocks& locks = []() -> OpenLocks& {
    static auto* const made = new OpenLocks;  // outlives whatever static objects a host has
    ::pthread_atfork([] { made->mutex.lock(); }, [] { made->mutex.unlock(); },
                     [] {
                       for (const int file : made->files) {
                         ::close(file);
                       }
                       made->files.clear();
                       made->mutex.unlock();
                     });
    return *made;
  }();
  return locks;
}

}  // namespace

Result<StateFolder> StateFolder::open(const std::filesystem::path& folder) {
  if (folder.empty()) {
    return StateFolder({}, -1);
  }
  std::error_code failed;
  auto path = std::filesystem::absolute(folder, failed);
  if (failed) {
    return fail(ErrorCode::io, "cannot tell where '" + folder.string() +
                                   "' lies: the working directory is gone; give an absolute path");
  }
  if (const auto created = model::create_folder(path); !created) {
    return fail(created.error());
  }
  OpenLocks& locks = open_locks();
  const std::lock_guard guard(locks.mutex);  // no fork in between
  locks.files.reserve(locks.files.size() + 1);
  const int file = ::open((path / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0) {
    return fail(ErrorCode::io, "cannot write to folder '" + folder.string() + "'");
  }
  // The system drops the lock when the process ends, however it ends.
  if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    ::close(file);
    return fail(ErrorCode::in_use,
                "another trainer works in '" + folder.string() + "': choose another folder");
  }
  locks.files.push_back(file);
  return StateFolder(std::move(path), file);
}

StateFolder::StateFolder(std::filesystem::path path, int lock)
    : path_(std::move(path)), lock_(lock) {}

StateFolder::StateFolder(StateFolder&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)), home_(other.home_) {}

StateFolder::~StateFolder() {
  if (lock_ >= 0 && home_.is_here()) {
    OpenLocks& locks = open_locks();
    const std::lock_guard guard(locks.mutex);
    std::erase(locks.files, lock_);
    ::flock(lock_, LOCK_UN);  // whoever else has it open: a child may not have come to its close
    ::close(lock_);
  }
}

Result<std::filesystem::path> StateFolder::file(const std::string& name) const {
  if (path_.empty()) {
    return fail(ErrorCode::invalid_argument,
                "states with names need a folder: set it in the options");
  }
  if (name.empty() || name == "." || name == ".." || name == "lock" ||
      name.find_first_of(std::string_view("/\0", 2)) != std::string::npos) {
    return fail(ErrorCode::invalid_argument, "'" + name + "' is not the name of a file");
  }
  if (!home_.is_here()) {
    return fail(ErrorCode::in_use,
                "the folder belongs to the process that was forked: save() into "
                "memory, or create a trainer with a folder of its own");
  }
  return path_ / name;
}

}  // namespace nodezero::actors
