// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/files/input_file.hpp"
#include "model/text/data_watch.hpp"
#include "nodezero/error.hpp"

namespace nodezero::model {

/// The bytes of many files as one sequence. Large files stay open and are read where and when
/// somebody asks; neighbouring small ones share a block of memory, so that 100,000 of them are a
/// few blocks.
class JoinedFiles {
 public:
  /// Files of at least this many bytes stay open.
  static constexpr std::uint64_t stays_open_bytes = std::uint64_t{1} << 20;

  /// The part of a file that is joined.
  struct Part {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
  };

  /// Looks at each file before it is joined, and may refuse it.
  class Inspector {
   public:
    virtual ~Inspector() = default;
    virtual Result<InputFile> open(const std::filesystem::path& path) {
      return InputFile::open(path);
    }
    /// The part of the next file that counts; it is not empty.
    virtual Result<Part> part_of(const InputFile& file) { return Part{0, file.size()}; }
    /// Consecutive blocks of that part, which all begin at multiples of 8 bytes from its begin.
    virtual Result<void> look(const InputFile&, std::uint64_t /*offset*/, std::string_view) {
      return {};
    }
  };

  /// Reads every file once. Fails with not_found, io, malformed if a file is empty, or as
  /// `inspector` does.
  static Result<JoinedFiles> open(std::span<const std::filesystem::path> files,
                                  Inspector& inspector);

  std::uint64_t size() const { return size_; }
  /// What was read, to watch whether it changes.
  const std::vector<UsedFile>& used() const { return used_; }

  /// Fills `out` from `offset` on; [offset, offset + out.size()) must lie inside.
  /// @throws std::runtime_error naming the file if it cannot be read any more
  void read(std::uint64_t offset, std::span<char> out) const;

 private:
  struct Segment {
    std::uint64_t begin = 0;                ///< in the sequence
    std::string small;                      ///< joined small files, or
    std::shared_ptr<const InputFile> file;  ///< one large file
    Part part;                              ///< of `file`
    std::uint64_t size() const { return file ? part.end - part.begin : small.size(); }
  };

  Result<void> append(InputFile file, Part part, Inspector& inspector);
  Result<void> append_small(const InputFile& file, Part part, Inspector& inspector);
  std::size_t segment_at(std::uint64_t offset) const;

  std::vector<Segment> segments_;
  std::vector<UsedFile> used_;
  std::uint64_t size_ = 0;
};

}  // namespace nodezero::model
