// SPDX-License-Identifier: BSD-3-Clause
#include "model/text/file_kinds.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include <fmt/format.h>

#include "model/text/unpacked_file.hpp"

namespace nodezero::model {
namespace {

using namespace std::string_view_literals;

struct Signature {
  std::string_view start;
  std::string_view meaning;
};

constexpr auto other_packing = "a packed file; unpack it first"sv;
constexpr auto utf16 =
    "UTF-16; convert it with: iconv -f UTF-16 -t UTF-8 FILE > NEW, and name that"sv;

/// From the documentation of each format. No text begins so.
constexpr auto signatures = std::to_array<Signature>({
    {"version https://git-lfs.github.com/spec/"sv,
     "a pointer of Git LFS in place of the file; fetch the file with: git lfs pull"sv},
    {"%PDF-"sv, "a PDF document; extract its text first, for example with pdftotext"sv},
    {"\x89PNG\r\n\x1A\n"sv, "a picture"sv},
    {"\xFF\xD8\xFF"sv, "a picture"sv},
    {"\x7F"
     "ELF"sv,
     "a program"sv},
    {"\xFD"
     "7zXZ\0"sv,
     other_packing},
    {"7z\xBC\xAF\x27\x1C"sv, other_packing},
    {"\x93NUMPY"sv, "an array of NumPy; give it a name that ends in .npy to train on its ids"sv},
    {"\xFF\xFE"sv, utf16},
    {"\xFE\xFF"sv, utf16},
});

/// These could be the first letters of a text, but then without any NUL behind them.
constexpr auto signatures_with_zeros = std::to_array<Signature>({
    {"GIF8"sv, "a picture"sv},
    {"RIFF"sv, "a recording or a picture"sv},
    {"ID3"sv, "a recording"sv},
    {"OggS"sv, "a recording"sv},
    {"fLaC"sv, "a recording"sv},
    {"PK\x03\x04"sv, "a ZIP archive, as .docx and .epub files are; unpack it first"sv},
    {"BZh"sv, other_packing},
    {"PAR1"sv, "a Parquet table; export its column of text first"sv},
    {"ARROW1"sv, "an Arrow table; export its column of text first"sv},
    {"SQLite format 3"sv, "a SQLite database; export its text first"sv},
    {"GGUF"sv, "a model, not text"sv},
});

std::string_view meaning_of(std::span<const Signature> all, std::string_view start) {
  const auto found = std::ranges::find_if(
      all, [&](const Signature& signature) { return start.starts_with(signature.start); });
  return found == all.end() ? "" : found->meaning;
}

bool is_gzip(std::string_view start) {
  return start.starts_with("\x1F\x8B\x08"sv);
}

bool is_zstd(std::string_view start) {
  return start.starts_with("\x28\xB5\x2F\xFD"sv);
}

/// UTF-16 without a mark: every other byte of what is mostly ASCII is 0.
bool looks_like_utf16(std::string_view start) {
  std::array<std::size_t, 2> zeros{};
  for (std::size_t i = 0; i < start.size(); ++i) {
    zeros[i % 2] += start[i] == '\0' ? 1 : 0;
  }
  return std::ranges::max(zeros) * 10 > start.size() * 4 && std::ranges::min(zeros) == 0;
}

}  // namespace

std::string_view why_no_text(std::string_view start) {
  if (const auto meaning = meaning_of(signatures, start); !meaning.empty()) {
    return meaning;
  }
  const auto zeros = std::ranges::count(start, '\0');
  if (const auto meaning = meaning_of(signatures_with_zeros, start);
      zeros > 0 && !meaning.empty()) {
    return meaning;
  }
  if (zeros <= 1) {
    return "";
  }
  return looks_like_utf16(start) ? utf16 : "a binary file"sv;
}

Result<InputFile> open_text(const std::filesystem::path& path, bool binary) {
  auto file = InputFile::open(path);
  if (!file || binary) {
    return file;
  }
  std::string start(std::min<std::uint64_t>(sniffed_bytes, file->size()), '\0');
  if (auto read = file->read(0, std::as_writable_bytes(std::span(start))); !read) {
    return tl::unexpected(read.error());
  }
  if (is_gzip(start)) {
    return unpack_gzip(*file);
  }
  if (is_zstd(start)) {
    return unpack_zstd(*file);
  }
  if (const auto reason = why_no_text(start); !reason.empty()) {
    return fail(ErrorCode::malformed,
                fmt::format("{}: {}; give 'binary' to train on its bytes as they are",
                            path.string(), reason));
  }
  return file;
}

}  // namespace nodezero::model
