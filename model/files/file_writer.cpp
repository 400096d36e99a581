// SPDX-License-Identifier: BSD-3-Clause
#include "model/files/file_writer.hpp"

#include <cerrno>
#include <fcntl.h>
#include <system_error>

#include "model/files/system_error.hpp"

namespace nodezero::model {
namespace {

constexpr std::size_t gathered_bytes = 256 * 1024;

}  // namespace

FileWriter::FileWriter(std::filesystem::path path, FileDescriptor file)
    : path_(std::move(path)), file_(std::move(file)) {}

FileWriter::~FileWriter() {
  if (file_.is_open()) {
    std::error_code ignored;
    // A device such as /dev/full is not ours to remove.
    if (std::filesystem::is_regular_file(path_, ignored)) {
      std::filesystem::remove(path_, ignored);
    }
  }
}

Result<FileWriter> FileWriter::create(const std::filesystem::path& path) {
  int number = -1;
  do {
    number = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  } while (number < 0 && errno == EINTR);
  if (number < 0) {
    return tl::unexpected(write_error(path, errno));
  }
  return FileWriter(path, FileDescriptor(number));
}

Result<void> FileWriter::append(std::span<const std::byte> bytes) {
  if (gathered_.size() + bytes.size() <= gathered_bytes) {
    gathered_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  }
  if (auto flushed = flush(); !flushed) {
    return flushed;
  }
  return write_out(bytes);
}

Result<void> FileWriter::flush() {
  auto written = write_out(std::as_bytes(std::span(gathered_)));
  gathered_.clear();
  return written;
}

Result<void> FileWriter::write_out(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_.number(), bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) {
        continue;
      }
      return tl::unexpected(write_error(path_, errno));
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> FileWriter::finish() {
  if (auto flushed = flush(); !flushed) {
    return flushed;
  }
  int synced = 0;
  do {
    synced = ::fsync(file_.number());
  } while (synced != 0 && errno == EINTR);
  if (synced != 0) {
    return tl::unexpected(write_error(path_, errno));
  }
  // Linux closes the file even where close is interrupted, and the data is on the disk.
  const int number = file_.release();
  if (::close(number) != 0 && errno != EINTR) {
    return tl::unexpected(write_error(path_, errno));
  }
  return {};
}

}  // namespace nodezero::model
