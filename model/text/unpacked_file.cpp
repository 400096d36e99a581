// SPDX-License-Identifier: BSD-3-Clause
#include "model/text/unpacked_file.hpp"

#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>
#include <zlib.h>
#include <zstd.h>

#include <fmt/format.h>

#include "model/files/system_error.hpp"

namespace nodezero::model {
namespace {

constexpr std::size_t piece_bytes = std::size_t{1} << 18;

Error damaged(const InputFile& packed) {
  return {ErrorCode::malformed, fmt::format("{}: damaged or cut short, it cannot be unpacked; copy "
                                            "or download it again",
                                            packed.path().string())};
}

/// A temporary file that has no name, so that nothing of it stays whatever happens.
class Nameless {
 public:
  static Result<Nameless> create() {
    std::error_code error;
    auto folder = std::filesystem::temp_directory_path(error);
    if (error) {
      folder = "/tmp";
    }
    auto name = (folder / "nodezero-XXXXXX").string();
    const int number = ::mkostemp(name.data(), O_CLOEXEC);
    if (number < 0) {
      return tl::unexpected(write_error(folder, errno));
    }
    ::unlink(name.c_str());
    return Nameless(std::move(folder), FileDescriptor(number));
  }

  Result<void> append(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::write(file_.number(), bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) {
        continue;
      }
      if (count < 0) {
        Error error = write_error(folder_, errno);
        error.message += " (set TMPDIR to a folder with more room for what is unpacked)";
        return tl::unexpected(std::move(error));
      }
      size_ += static_cast<std::uint64_t>(count);
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return {};
  }

  InputFile finish(const InputFile& packed) && {
    return InputFile::copy_of(packed, std::move(file_), size_);
  }

 private:
  Nameless(std::filesystem::path folder, FileDescriptor file)
      : folder_(std::move(folder)), file_(std::move(file)) {}

  std::filesystem::path folder_;
  FileDescriptor file_;
  std::uint64_t size_ = 0;
};

/// Feeds a file to `step`, which takes a piece and appends what it becomes; `whole` says at the end
/// whether nothing is missing.
template <class Step, class Whole>
Result<InputFile> unpack(const InputFile& packed, Step&& step, Whole&& whole) {
  auto unpacked = Nameless::create();
  if (!unpacked) {
    return tl::unexpected(unpacked.error());
  }
  const auto read =
      packed.visit(0, packed.size(), [&](std::uint64_t, std::string_view piece) -> Result<void> {
        return step(piece, *unpacked);
      });
  if (!read) {
    return tl::unexpected(read.error());
  }
  if (!whole()) {
    return tl::unexpected(damaged(packed));
  }
  return std::move(*unpacked).finish(packed);
}

}  // namespace

Result<InputFile> unpack_gzip(const InputFile& packed) {
  z_stream stream{};
  // 15: the largest window; 16: with gzip's header and sum.
  if (::inflateInit2(&stream, 15 + 16) != Z_OK) {
    return fail(ErrorCode::internal, "zlib cannot start; check its installation");
  }
  const std::unique_ptr<z_stream, decltype(&::inflateEnd)> closer(&stream, &::inflateEnd);
  std::vector<Bytef> room(piece_bytes);
  bool ended = false;
  const auto step = [&](std::string_view piece, Nameless& out) -> Result<void> {
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
    stream.avail_in = static_cast<uInt>(piece.size());
    do {
      if (ended && stream.avail_in > 0) {
        // One behind the other, as `cat a.gz b.gz` makes them.
        ::inflateReset(&stream);
        ended = false;
      }
      stream.next_out = room.data();
      stream.avail_out = static_cast<uInt>(room.size());
      const int status = ::inflate(&stream, Z_NO_FLUSH);
      if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
        return tl::unexpected(damaged(packed));
      }
      ended = status == Z_STREAM_END;
      const auto made = std::span(room).first(room.size() - stream.avail_out);
      if (auto done = out.append(std::as_bytes(made)); !done) {
        return done;
      }
    } while (stream.avail_in > 0 || (stream.avail_out == 0 && !ended));
    return {};
  };
  return unpack(packed, step, [&] { return ended; });
}

Result<InputFile> unpack_zstd(const InputFile& packed) {
  const std::unique_ptr<ZSTD_DStream, decltype(&::ZSTD_freeDStream)> stream(::ZSTD_createDStream(),
                                                                            &::ZSTD_freeDStream);
  if (stream == nullptr) {
    return fail(ErrorCode::internal, "zstd cannot start; check its installation");
  }
  std::vector<char> room(::ZSTD_DStreamOutSize());
  std::size_t missing = 0;
  const auto step = [&](std::string_view piece, Nameless& out) -> Result<void> {
    ZSTD_inBuffer in{piece.data(), piece.size(), 0};
    bool full = false;
    do {
      ZSTD_outBuffer made{room.data(), room.size(), 0};
      missing = ::ZSTD_decompressStream(stream.get(), &made, &in);
      if (::ZSTD_isError(missing) != 0) {
        return tl::unexpected(damaged(packed));
      }
      if (auto done = out.append(std::as_bytes(std::span(room).first(made.pos))); !done) {
        return done;
      }
      full = made.pos == made.size;
    } while (in.pos < in.size || (full && missing != 0));
    return {};
  };
  return unpack(packed, step, [&] { return missing == 0; });
}

}  // namespace nodezero::model
