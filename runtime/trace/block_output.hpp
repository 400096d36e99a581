// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <span>

#include "runtime/trace/file_format.hpp"
#include "runtime/trace/name_table.hpp"

namespace nodezero::runtime::trace {

/// Writes the frames of a trace to a file descriptor, which it does not own. Everything here may
/// run inside a signal handler: it calls nothing but write(2) and allocates nothing.
class BlockOutput {
 public:
  explicit BlockOutput(int file) : file_(file) {}

  void file_header(std::uint32_t flags);
  /// Fills in the content's size and the checksum.
  void block(BlockHeader header, const void* content, std::size_t bytes);

  /// errno of the first write that failed, or 0. Nothing is written after it.
  int error() const { return error_; }

 private:
  void write_all(const void* data, std::size_t bytes);

  int file_;
  int error_ = 0;
};

/// The names that a table got since the last call, as blocks.
class NameOutput {
 public:
  explicit NameOutput(const NameTable& names) : names_(names) {}
  void write_new(BlockOutput& out);

 private:
  const NameTable& names_;
  std::size_t chunk_ = 0;     ///< that is written next
  std::uint32_t offset_ = 0;  ///< in it
};

}  // namespace nodezero::runtime::trace
