// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "model/files/file_descriptor.hpp"
#include "nodezero/error.hpp"

namespace nodezero::model {

/// Opens an existing file for reading; not_found or io.
Result<FileDescriptor> open_to_read(const std::filesystem::path& path);

/// The size in bytes of an open regular file; io if it is of another kind.
Result<std::uint64_t> file_size(const FileDescriptor& file, const std::filesystem::path& path);

/// A file's bytes in memory for as long as the object lives. Large files are mapped and
/// cost no memory of their own; small ones are copied, because the system allows only some
/// 65,000 mappings a process. The file is closed again at once, so any number of them can be
/// held. A file must not be shortened while it is mapped.
class MappedFile {
 public:
  /// Files of at least this many bytes are mapped.
  static constexpr std::size_t mapping_threshold = std::size_t{1} << 20;

  /// Fails with not_found or io, the latter also if the file shrinks meanwhile.
  static Result<MappedFile> open(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;
  ~MappedFile();

  std::string_view bytes() const { return {data_, size_}; }
  bool is_mapped() const { return mapped_; }

 private:
  MappedFile() = default;
  const char* data_ = nullptr;
  std::size_t size_ = 0;
  bool mapped_ = false;
  std::vector<char> copy_;
};

}  // namespace nodezero::model
