// SPDX-License-Identifier: BSD-3-Clause
#include "model/files/input_file.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "model/files/system_error.hpp"

namespace nodezero::model {

Result<InputFile> InputFile::open(const std::filesystem::path& path) {
  int number = -1;
  do {
    // Without O_NONBLOCK the call would wait until somebody writes into a pipe of that name.
    number = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  } while (number < 0 && errno == EINTR);
  if (number < 0) {
    return tl::unexpected(read_error(path, errno));
  }
  FileDescriptor file(number);
  struct stat status {};
  if (::fstat(number, &status) != 0) {
    return tl::unexpected(read_error(path, errno));
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::io, fmt::format("{}: not a regular file; name a file", path.string()));
  }
  return InputFile(path, std::move(file), stamp_of(status));
}

InputFile::InputFile(std::filesystem::path path, FileDescriptor file, FileStamp opened)
    : path_(std::move(path)), file_(std::move(file)), opened_(opened), size_(opened.bytes) {}

InputFile InputFile::copy_of(const InputFile& original, FileDescriptor file, std::uint64_t size) {
  InputFile copy(original.path_, std::move(file), original.opened_);
  copy.size_ = size;
  copy.is_copy_ = true;
  return copy;
}

Result<FileStamp> InputFile::stamp_now() const {
  struct stat status {};
  if (::fstat(file_.number(), &status) != 0) {
    return tl::unexpected(read_error(path_, errno));
  }
  return stamp_of(status);
}

Result<std::size_t> InputFile::read_some(std::uint64_t offset, std::span<std::byte> out) const {
  for (;;) {
    const ssize_t count =
        ::pread(file_.number(), out.data(), out.size(), static_cast<off_t>(offset));
    if (count >= 0) {
      return static_cast<std::size_t>(count);
    }
    if (errno != EINTR) {
      return tl::unexpected(read_error(path_, errno));
    }
  }
}

Result<void> InputFile::read(std::uint64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const auto count = read_some(offset, out);
    if (!count) {
      return tl::unexpected(count.error());
    }
    if (*count == 0) {
      return fail(ErrorCode::io,
                  fmt::format("{}: ends at byte {}, but had {} when it was opened; let its writer "
                              "finish, or put the old content back, and try again",
                              path_.string(), offset, size()));
    }
    out = out.subspan(*count);
    offset += *count;
  }
  return {};
}

Result<void> InputFile::visit(std::uint64_t begin, std::uint64_t end, const Visit& visit) const {
  std::vector<char> buffer(std::min<std::uint64_t>(block_bytes, end - begin));
  while (begin < end) {
    const auto block = std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), end - begin));
    if (auto done = read(begin, std::as_writable_bytes(block)); !done) {
      return done;
    }
    if (auto done = visit(begin, {block.data(), block.size()}); !done) {
      return done;
    }
    begin += block.size();
  }
  return {};
}

}  // namespace nodezero::model
