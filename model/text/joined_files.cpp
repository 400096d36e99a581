// SPDX-License-Identifier: BSD-3-Clause
#include "model/text/joined_files.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace nodezero::model {
namespace {

/// A block of small files grows up to this size, which bounds what growing it copies.
constexpr std::size_t block_bytes = std::size_t{16} << 20;

}  // namespace

Result<JoinedFiles> JoinedFiles::open(std::span<const std::filesystem::path> files,
                                      const Inspect& inspect) {
  JoinedFiles joined;
  for (const auto& path : files) {
    auto file = MappedFile::open(path);
    if (!file) {
      return tl::unexpected(file.error());
    }
    if (file->bytes().empty()) {
      return fail(ErrorCode::malformed,
                  fmt::format("{}: empty; leave it out, or let its writer finish and try again",
                              path.string()));
    }
    if (auto accepted = inspect(path, file->bytes()); !accepted) {
      return tl::unexpected(accepted.error());
    }
    joined.append(std::move(*file));
  }
  return joined;
}

void JoinedFiles::append(MappedFile file) {
  const std::uint64_t begin = size_;
  size_ += file.bytes().size();
  if (file.is_mapped()) {
    Segment& segment = segments_.emplace_back();
    segment.begin = begin;
    segment.mapped.push_back(std::move(file));
    return;
  }
  if (segments_.empty() || !segments_.back().mapped.empty() ||
      segments_.back().small.size() + file.bytes().size() > block_bytes) {
    segments_.emplace_back().begin = begin;
  }
  segments_.back().small.append(file.bytes());
}

std::size_t JoinedFiles::segment_at(std::uint64_t offset) const {
  const auto after = std::ranges::upper_bound(segments_, offset, {}, &Segment::begin);
  return static_cast<std::size_t>(after - segments_.begin()) - (after == segments_.begin() ? 0 : 1);
}

}  // namespace nodezero::model
