// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/trace/block_output.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <unistd.h>

namespace nodezero::runtime::trace {

namespace {

/// How many names (encode_name) the bytes hold. Needs no memory.
std::uint64_t count_names(std::span<const std::byte> bytes) {
  const auto pass = [&bytes](std::size_t size) {
    bytes = bytes.subspan(std::min(size, bytes.size()));
  };
  const auto pass_text = [&] {
    std::uint16_t size = 0;
    std::memcpy(&size, bytes.data(), std::min(sizeof size, bytes.size()));
    pass(sizeof size + size);
  };
  std::uint64_t names = 0;
  for (; !bytes.empty(); ++names) {
    pass_text();
    auto fields = bytes.empty() ? 0 : static_cast<unsigned>(bytes.front());
    for (pass(1); fields > 0; --fields) {
      pass(sizeof(FieldKind));
      pass_text();
    }
  }
  return names;
}

/// How many names a table has before the byte at `offset` of a chunk, its entry 0 not counted.
std::uint64_t names_before(const NameTable& names, std::size_t chunk, std::size_t offset) {
  std::uint64_t count = 0;
  for (std::size_t earlier = 0; earlier < chunk; ++earlier) {
    const auto* whole = names.chunk(earlier);
    count +=
        count_names(std::span(whole->bytes).first(whole->size.load(std::memory_order_acquire)));
  }
  return count + count_names(std::span(names.chunk(chunk)->bytes).first(offset));
}

}  // namespace

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
      // The index of the block's first name, so that a reader who lacks a block knows.
      const auto first = 1 + names_before(names_, chunk_, offset_);
      out.block({.kind = BlockKind::names, .first = first}, chunk->bytes.data() + offset_,
                size - offset_);
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
