// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/files/mapped_file.hpp"
#include "nodezero/error.hpp"

namespace nodezero::model {

/// The bytes of many files as one sequence. Large files stay mapped; neighbouring small ones
/// share a block of memory, so that 100,000 of them are a few blocks.
class JoinedFiles {
 public:
  /// What looks at each file before it is joined, and may refuse it.
  using Inspect =
      std::function<Result<void>(const std::filesystem::path& path, std::string_view bytes)>;

  /// Fails with not_found, io, malformed if a file is empty, or as `inspect` does.
  static Result<JoinedFiles> open(std::span<const std::filesystem::path> files,
                                  const Inspect& inspect);

  std::uint64_t size() const { return size_; }

  /// Calls visit(std::string_view piece) for the consecutive pieces of
  /// [offset, offset + count), which must lie inside.
  template <class Visit>
  void visit(std::uint64_t offset, std::uint64_t count, Visit&& visit) const {
    for (std::size_t i = segment_at(offset); count > 0; ++i) {
      const Segment& segment = segments_[i];
      const auto piece = segment.bytes().substr(offset - segment.begin, count);
      visit(piece);
      offset += piece.size();
      count -= piece.size();
    }
  }

 private:
  struct Segment {
    std::uint64_t begin = 0;
    std::string small;               ///< joined small files, or
    std::vector<MappedFile> mapped;  ///< one large file
    std::string_view bytes() const { return mapped.empty() ? small : mapped.front().bytes(); }
  };

  std::size_t segment_at(std::uint64_t offset) const;
  void append(MappedFile file);

  std::vector<Segment> segments_;
  std::uint64_t size_ = 0;
};

}  // namespace nodezero::model
