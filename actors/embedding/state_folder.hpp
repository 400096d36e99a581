// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <string>

#include "actors/embedding/home_process.hpp"
#include "nodezero/error.hpp"

namespace nodezero::actors {

/// The folder for a trainer's states with names, which nobody else has while this lives. A child of
/// fork() has no part in it: it neither keeps the folder from others nor may use it.
class StateFolder {
 public:
  /// An empty path: no folder. A relative one is taken from the working directory as it is now.
  /// Fails with io, or with in_use if another trainer has it.
  static Result<StateFolder> open(const std::filesystem::path& folder);
  StateFolder(StateFolder&& other) noexcept;
  ~StateFolder();
  StateFolder& operator=(StateFolder&&) = delete;

  /// The file of that name. Fails with invalid_argument if there is no folder or it is not a name,
  /// and with in_use in a child.
  Result<std::filesystem::path> file(const std::string& name) const;

 private:
  StateFolder(std::filesystem::path path, int lock);

  std::filesystem::path path_;  ///< absolute
  int lock_;                    ///< the descriptor of the locked file; -1: none
  HomeProcess home_;
};

}  // namespace nodezero::actors
