// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <unistd.h>
#include <utility>

namespace nodezero::model {

/// Owns an open file of the system and closes it at the end of its scope.
class FileDescriptor {
 public:
  explicit FileDescriptor(int number = -1) : number_(number) {}
  FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~FileDescriptor() {
    if (number_ >= 0) {
      ::close(number_);
    }
  }

  bool is_open() const { return number_ >= 0; }
  int number() const { return number_; }
  /// Gives the number up, to close it by hand and see whether that worked.
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

}  // namespace nodezero::model
