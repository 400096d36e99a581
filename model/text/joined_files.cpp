// SPDX-License-Identifier: BSD-3-Clause
#include "model/text/joined_files.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "model/files/sha256.hpp"

namespace nodezero::model {
namespace {

/// A block of small files grows up to this size, which bounds what growing it copies.
constexpr std::size_t block_bytes = std::size_t{16} << 20;

}  // namespace

Result<JoinedFiles> JoinedFiles::open(std::span<const std::filesystem::path> files,
                                      Inspector& inspector) {
  JoinedFiles joined;
  for (const auto& path : files) {
    auto file = inspector.open(path);
    if (!file) {
      return tl::unexpected(file.error());
    }
    if (file->size() == 0) {
      return fail(ErrorCode::malformed,
                  fmt::format("{}: empty; leave it out, or let its writer finish and try again",
                              path.string()));
    }
    const auto part = inspector.part_of(*file);
    if (!part) {
      return tl::unexpected(part.error());
    }
    const auto joining = file->size() < stays_open_bytes
                             ? joined.append_small(*file, *part, inspector)
                             : joined.append(std::move(*file), *part, inspector);
    if (!joining) {
      return tl::unexpected(joining.error());
    }
  }
  return joined;
}

Result<void> JoinedFiles::append(InputFile opened, Part part, Inspector& inspector) {
  const auto file = std::make_shared<const InputFile>(std::move(opened));
  auto sum = sha256_of_bytes(*file, part.begin, part.end,
                             [&](std::uint64_t offset, std::string_view block) {
                               return inspector.look(*file, offset, block);
                             });
  if (!sum) {
    return tl::unexpected(sum.error());
  }
  if (file->is_copy()) {
    used_.push_back({.path = file->path(), .stamp = file->stamp()});
  } else {
    used_.push_back({file->path(), file->stamp(), file, part.begin, part.end, *std::move(sum)});
  }
  segments_.push_back({size_, {}, file, part});
  size_ += part.end - part.begin;
  return {};
}

Result<void> JoinedFiles::append_small(const InputFile& file, Part part, Inspector& inspector) {
  std::string bytes(part.end - part.begin, '\0');
  if (auto done = file.read(part.begin, std::as_writable_bytes(std::span(bytes))); !done) {
    return done;
  }
  if (auto done = inspector.look(file, part.begin, bytes); !done) {
    return done;
  }
  used_.push_back({.path = file.path(), .stamp = file.stamp()});
  if (segments_.empty() || segments_.back().file != nullptr ||
      segments_.back().small.size() + bytes.size() > block_bytes) {
    segments_.emplace_back().begin = size_;
  }
  segments_.back().small.append(bytes);
  size_ += bytes.size();
  return {};
}

void JoinedFiles::read(std::uint64_t offset, std::span<char> out) const {
  for (std::size_t i = segment_at(offset); !out.empty(); ++i) {
    const Segment& segment = segments_[i];
    const std::uint64_t skipped = offset - segment.begin;
    const auto piece = out.first(std::min<std::uint64_t>(out.size(), segment.size() - skipped));
    if (segment.file == nullptr) {
      std::ranges::copy_n(segment.small.begin() + static_cast<std::ptrdiff_t>(skipped),
                          static_cast<std::ptrdiff_t>(piece.size()), piece.begin());
    } else if (auto done =
                   segment.file->read(segment.part.begin + skipped, std::as_writable_bytes(piece));
               !done) {
      throw std::runtime_error(done.error().message);
    }
    offset += piece.size();
    out = out.subspan(piece.size());
  }
}

std::size_t JoinedFiles::segment_at(std::uint64_t offset) const {
  const auto after = std::ranges::upper_bound(segments_, offset, {}, &Segment::begin);
  return static_cast<std::size_t>(after - segments_.begin()) - (after == segments_.begin() ? 0 : 1);
}

}  // namespace nodezero::model
