// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "model/files/file_descriptor.hpp"
#include "nodezero/error.hpp"

namespace nodezero::model {

/// Writes one file from front to back. Small pieces are gathered, large ones go to the
/// system straight from where they lie. A file that is not finished is removed again.
class FileWriter {
 public:
  /// Creates or empties the file.
  static Result<FileWriter> create(const std::filesystem::path& path);
  FileWriter(FileWriter&& other) noexcept = default;
  FileWriter& operator=(FileWriter&&) = delete;
  ~FileWriter();

  Result<void> append(std::span<const std::byte> bytes);
  Result<void> append(std::string_view text) { return append(std::as_bytes(std::span(text))); }
  /// Hands everything to the disk, waits until it is there and closes the file.
  Result<void> finish();

 private:
  FileWriter(std::filesystem::path path, FileDescriptor file);
  Result<void> write_out(std::span<const std::byte> bytes);
  Result<void> flush();

  std::filesystem::path path_;
  FileDescriptor file_;
  std::string gathered_;
};

}  // namespace nodezero::model
