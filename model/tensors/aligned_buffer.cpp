// SPDX-License-Identifier: BSD-3-Clause
#include "model/tensors/aligned_buffer.hpp"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <sys/mman.h>
#include <utility>

namespace nodezero::model {
namespace {

constexpr std::size_t cache_line = 64;
constexpr std::size_t huge_page = std::size_t{2} << 20;

std::size_t round_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

/// Blocks of two huge pages and more come from the kernel directly; below that the
/// unused tail of a huge page would weigh too much.
bool is_large(std::size_t size) {
  return size * sizeof(float) >= 2 * huge_page;
}

/// Maps whole huge pages. Asks for one more than needed and gives back what lies
/// outside the aligned part, since the kernel promises only small-page alignment.
float* map_large(std::size_t size) {
  const std::size_t bytes = round_up(size * sizeof(float), huge_page);
  void* mapped = ::mmap(nullptr, bytes + huge_page, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) {
    throw std::bad_alloc();
  }
  const auto start = reinterpret_cast<std::uintptr_t>(mapped);
  const std::size_t before = round_up(start, huge_page) - start;
  const std::size_t after = huge_page - before;
  char* const aligned = static_cast<char*>(mapped) + before;
  if (before > 0) {
    ::munmap(mapped, before);
  }
  if (after > 0) {
    ::munmap(aligned + bytes, after);
  }
  // Only advice: without huge pages the memory is as good, if slower.
  ::madvise(aligned, bytes, MADV_HUGEPAGE);
  return reinterpret_cast<float*>(aligned);
}

float* allocate(std::size_t size) {
  if (size == 0) {
    return nullptr;
  }
  if (size > std::numeric_limits<std::size_t>::max() / sizeof(float) - 2 * huge_page) {
    throw std::bad_alloc();
  }
  if (is_large(size)) {
    return map_large(size);
  }
  const std::size_t bytes = round_up(size * sizeof(float), cache_line);
  void* data = std::aligned_alloc(cache_line, bytes);
  if (data == nullptr) {
    throw std::bad_alloc();
  }
  std::memset(data, 0, bytes);
  return static_cast<float*>(data);
}

void release(float* data, std::size_t size) {
  if (data == nullptr) {
    return;
  }
  if (is_large(size)) {
    ::munmap(data, round_up(size * sizeof(float), huge_page));
  } else {
    std::free(data);
  }
}

}  // namespace

AlignedBuffer::AlignedBuffer(std::size_t size) : data_(allocate(size)), size_(size) {}

AlignedBuffer::AlignedBuffer(AlignedBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

AlignedBuffer& AlignedBuffer::operator=(AlignedBuffer&& other) noexcept {
  if (this != &other) {
    release(data_, size_);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

AlignedBuffer::~AlignedBuffer() {
  release(data_, size_);
}

}  // namespace nodezero::model
