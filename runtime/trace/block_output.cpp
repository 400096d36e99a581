// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/trace/block_output.hpp"

#include <cerrno>
#include <unistd.h>

namespace nodezero::runtime::trace {

void BlockOutput::file_header(std::uint32_t flags) {
  FileHeader header;
  header.flags = flags;
  write_all(&header, sizeof header);
}

void BlockOutput::block(BlockHeader header, const void* content, std::size_t bytes) {
  header.stored_bytes = static_cast<std::uint32_t>(bytes);
  header.checksum = checksum(header, content);
  write_all(&header, sizeof header);
  write_all(content, bytes);
}

void BlockOutput::write_all(const void* data, std::size_t bytes) {
  const auto* from = static_cast<const char*>(data);
  while (bytes > 0 && error_ == 0) {
    const ssize_t written = ::write(file_, from, bytes);
    if (written > 0) {
      from += written;
      bytes -= static_cast<std::size_t>(written);
    } else if (written == 0 || errno != EINTR) {
      error_ = written == 0 ? EIO : errno;
    }
  }
}

void NameOutput::write_new(BlockOutput& out) {
  while (const auto* chunk = names_.chunk(chunk_)) {
    const auto size = chunk->size.load(std::memory_order_acquire);
    if (size > offset_) {
      // Names come in the order of their indices, so that none needs to be said.
      out.block({.kind = BlockKind::names}, chunk->bytes.data() + offset_, size - offset_);
      offset_ = size;
    }
    if (names_.chunk(chunk_ + 1) == nullptr) {
      return;
    }
    // A chunk that has a successor grows no more, but it may have until just now.
    if (chunk->size.load(std::memory_order_acquire) == offset_) {
      ++chunk_;
      offset_ = 0;
    }
  }
}

}  // namespace nodezero::runtime::trace
