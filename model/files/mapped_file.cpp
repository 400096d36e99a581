// SPDX-License-Identifier: BSD-3-Clause
#include "model/files/mapped_file.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <utility>

#include <fmt/format.h>

#include "model/files/system_error.hpp"

namespace nodezero::model {
namespace {

Result<std::vector<char>> read_exactly(const FileDescriptor& file, std::size_t size,
                                       const std::filesystem::path& path) {
  std::vector<char> bytes(size);
  std::size_t have = 0;
  while (have < size) {
    const ssize_t count = ::read(file.number(), bytes.data() + have, size - have);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return tl::unexpected(read_error(path, errno));
    }
    if (count == 0) {
      return fail(
          ErrorCode::io,
          fmt::format("{}: became shorter while it was read; let its writer finish and try again",
                      path.string()));
    }
    have += static_cast<std::size_t>(count);
  }
  return bytes;
}

}  // namespace

Result<FileDescriptor> open_to_read(const std::filesystem::path& path) {
  int number = -1;
  do {
    number = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  } while (number < 0 && errno == EINTR);
  if (number < 0) {
    return tl::unexpected(read_error(path, errno));
  }
  return FileDescriptor(number);
}

Result<std::uint64_t> file_size(const FileDescriptor& file, const std::filesystem::path& path) {
  struct stat status {};
  if (::fstat(file.number(), &status) != 0) {
    return tl::unexpected(read_error(path, errno));
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::io, fmt::format("{}: not a regular file; name a file", path.string()));
  }
  return static_cast<std::uint64_t>(status.st_size);
}

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
  auto file = open_to_read(path);
  if (!file) {
    return tl::unexpected(file.error());
  }
  const auto size = file_size(*file, path);
  if (!size) {
    return tl::unexpected(size.error());
  }
  MappedFile result;
  result.size_ = *size;
  if (*size < mapping_threshold) {
    auto copy = read_exactly(*file, *size, path);
    if (!copy) {
      return tl::unexpected(copy.error());
    }
    result.copy_ = std::move(*copy);
    result.data_ = result.copy_.data();
    return result;
  }
  void* address = ::mmap(nullptr, *size, PROT_READ, MAP_PRIVATE, file->number(), 0);
  if (address == MAP_FAILED) {
    return tl::unexpected(read_error(path, errno));
  }
  result.data_ = static_cast<const char*>(address);
  result.mapped_ = true;
  return result;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      mapped_(std::exchange(other.mapped_, false)),
      copy_(std::move(other.copy_)) {}

MappedFile::~MappedFile() {
  if (mapped_) {
    ::munmap(const_cast<char*>(data_), size_);
  }
}

}  // namespace nodezero::model
