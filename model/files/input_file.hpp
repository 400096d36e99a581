// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string_view>

#include "model/files/file_descriptor.hpp"
#include "model/files/file_stamp.hpp"
#include "nodezero/error.hpp"

namespace nodezero::model {

/// A regular file that is open for reading at any place, from any thread. Files are never mapped
/// into memory: where somebody shortens a file, reading it fails, but touching a mapping of it
/// would end the process.
class InputFile {
 public:
  /// Fails with not_found, or with io, also for what is not a regular file: a pipe would be waited
  /// for without end.
  static Result<InputFile> open(const std::filesystem::path& path);

  /// A private file with the content of another one in another form. It has that one's path and
  /// stamp, and nobody else can change it.
  static InputFile copy_of(const InputFile& original, FileDescriptor file, std::uint64_t size);
  bool is_copy() const { return is_copy_; }

  const std::filesystem::path& path() const { return path_; }
  std::uint64_t size() const { return size_; }        ///< in bytes, when it was opened
  const FileStamp& stamp() const { return opened_; }  ///< when it was opened
  Result<FileStamp> stamp_now() const;

  /// Reads at least one byte, and none only at the end of the file; io.
  Result<std::size_t> read_some(std::uint64_t offset, std::span<std::byte> out) const;

  /// Fills `out` from `offset` on; io, also if the file ends before.
  Result<void> read(std::uint64_t offset, std::span<std::byte> out) const;

  /// What looks at consecutive blocks of a file. All but the last have `block_bytes`.
  using Visit = std::function<Result<void>(std::uint64_t offset, std::string_view block)>;
  static constexpr std::size_t block_bytes = std::size_t{1} << 20;

  /// Reads bytes [begin, end) once, block by block. Ends with the first error of `visit` or of
  /// reading.
  Result<void> visit(std::uint64_t begin, std::uint64_t end, const Visit& visit) const;

 private:
  InputFile(std::filesystem::path path, FileDescriptor file, FileStamp opened);

  std::filesystem::path path_;
  FileDescriptor file_;
  FileStamp opened_;
  std::uint64_t size_;
  bool is_copy_ = false;
};

}  // namespace nodezero::model
