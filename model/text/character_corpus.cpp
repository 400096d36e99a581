// SPDX-License-Identifier: BSD-3-Clause
#include "model/text/character_corpus.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>

#include <fmt/format.h>

#include "model/text/character_table.hpp"
#include "model/text/file_kinds.hpp"
#include "model/text/utf8_text.hpp"

namespace nodezero::model {
namespace {

constexpr unsigned char ascii_end = 0x80;

/// In UTF-8 every character has one byte that is not of the form 10xxxxxx.
std::uint64_t count_characters(std::string_view text) {
  return static_cast<std::uint64_t>(std::ranges::count_if(
      text, [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }));
}

/// Turns characters into ids. While it learns an alphabet, ids are given in the order of first
/// appearance, so that one pass over the text is enough; they are sorted afterwards.
class Encoder {
 public:
  explicit Encoder(const Tokenizer* vocabulary_of) : learns_(vocabulary_of == nullptr) {
    if (vocabulary_of != nullptr) {
      table_ = vocabulary_of->table();
      alphabet_.assign(vocabulary_of->alphabet().begin(), vocabulary_of->alphabet().end());
    }
  }

  /// Writes one id for each character of a file, and returns what is left of `room`.
  Result<std::span<std::uint16_t>> encode(const InputFile& file, std::span<std::uint16_t> room);

  const std::vector<char32_t>& alphabet() const { return alphabet_; }

  /// Sorts the alphabet by code point and returns each id's place in it.
  std::vector<std::uint16_t> sort_alphabet();

 private:
  /// The same for a part of a file that begins at byte `offset` and ends between two characters.
  Result<std::span<std::uint16_t>> encode(std::string_view text, std::uint64_t offset,
                                          const std::filesystem::path& path,
                                          std::span<std::uint16_t> room);
  std::optional<std::uint16_t> id_of(char32_t code_point);
  Error no_id_for(char32_t code_point) const;

  bool learns_;
  CharacterTable table_;
  std::vector<char32_t> alphabet_;
};

std::optional<std::uint16_t> Encoder::id_of(char32_t code_point) {
  const std::uint16_t known = table_[code_point];
  if (known != CharacterTable::absent) {
    return known;
  }
  if (!learns_ || alphabet_.size() == CharacterTable::max_tokens) {
    return std::nullopt;
  }
  const auto id = static_cast<std::uint16_t>(alphabet_.size());
  alphabet_.push_back(code_point);
  table_.set(code_point, id);
  return id;
}

/// Writes 8 ids if the text goes on with 8 ASCII characters that are all known.
bool encode_eight(const char* text, const std::uint16_t* ids, std::uint16_t* out) {
  std::uint64_t word = 0;
  std::memcpy(&word, text, sizeof word);
  if ((word & 0x8080808080808080u) != 0) {
    return false;
  }
  std::uint16_t largest = 0;
  for (int i = 0; i < 8; ++i) {
    out[i] = ids[static_cast<unsigned char>(text[i])];
    largest = std::max(largest, out[i]);
  }
  return largest != CharacterTable::absent;
}

/// How many bytes at the end of a text begin a character that goes on behind it.
std::size_t unfinished_bytes(std::string_view text) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xC0) != 0x80) {
      const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
      return length > back ? back : 0;
    }
  }
  return 0;
}

Result<std::span<std::uint16_t>> Encoder::encode(const InputFile& file,
                                                 std::span<std::uint16_t> room) {
  std::string text;  // a block and what was unfinished before it
  const auto visited =
      file.visit(0, file.size(), [&](std::uint64_t offset, std::string_view block) -> Result<void> {
        const std::uint64_t begin = offset - text.size();
        text.append(block);
        const bool last = offset + block.size() == file.size();
        const std::size_t whole = text.size() - (last ? 0 : unfinished_bytes(text));
        const auto rest = encode(std::string_view(text).substr(0, whole), begin, file.path(), room);
        if (!rest) {
          return tl::unexpected(rest.error());
        }
        room = *rest;
        text.erase(0, whole);
        return {};
      });
  if (!visited) {
    return tl::unexpected(visited.error());
  }
  return room;
}

Result<std::span<std::uint16_t>> Encoder::encode(std::string_view text, std::uint64_t offset,
                                                 const std::filesystem::path& path,
                                                 std::span<std::uint16_t> room) {
  std::uint16_t* out = room.data();
  std::uint16_t* const end = out + room.size();
  const auto refuse = [&](ErrorCode code, std::size_t at, std::string_view what) {
    return fail(code, fmt::format("{}: byte {}: {}", path.string(), offset + at, what));
  };
  for (std::size_t at = 0; at < text.size();) {
    // A new character may move the table.
    const std::uint16_t* const ascii_ids = table_.first_page();
    if (text.size() - at >= 8 && end - out >= 8 && encode_eight(text.data() + at, ascii_ids, out)) {
      at += 8;
      out += 8;
      continue;
    }
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < ascii_end && ascii_ids[byte] != CharacterTable::absent && out != end) {
      *out++ = ascii_ids[byte];
      ++at;
      continue;
    }
    const DecodedCharacter character = decode_utf8(text.substr(at));
    if (character.bytes == 0) {
      return refuse(ErrorCode::malformed, at,
                    "is not UTF-8; convert the file, or use the bytes tokenizer");
    }
    if (out == end) {
      return refuse(ErrorCode::io, at,
                    "the file changed while it was read; let its writer finish and try again");
    }
    const auto id = id_of(character.code_point);
    if (!id.has_value()) {
      const Error reason = no_id_for(character.code_point);
      return refuse(reason.code, at, reason.message);
    }
    *out++ = *id;
    at += character.bytes;
  }
  return std::span(out, end);
}

Error Encoder::no_id_for(char32_t code_point) const {
  if (learns_) {
    return {ErrorCode::malformed,
            fmt::format("{} is one character more than the {} that a chars tokenizer can have; use "
                        "the bytes tokenizer",
                        describe_character(code_point), CharacterTable::max_tokens)};
  }
  return {ErrorCode::malformed,
          fmt::format("{} is not among the {} characters that the model knows; remove it, or train "
                      "a model with the bytes tokenizer",
                      describe_character(code_point), alphabet_.size())};
}

std::vector<std::uint16_t> Encoder::sort_alphabet() {
  std::vector<std::uint16_t> by_code_point(alphabet_.size());
  std::iota(by_code_point.begin(), by_code_point.end(), std::uint16_t{0});
  std::ranges::sort(by_code_point, {}, [&](std::uint16_t id) { return alphabet_[id]; });
  std::vector<std::uint16_t> place(alphabet_.size());
  for (std::size_t i = 0; i < by_code_point.size(); ++i) {
    place[by_code_point[i]] = static_cast<std::uint16_t>(i);
  }
  std::ranges::sort(alphabet_);
  return place;
}

/// Counts what all files hold, so that the ids can be stored without growing.
Result<CharacterIds> allocate(std::span<const std::filesystem::path> files) {
  CharacterIds result;
  for (const auto& path : files) {
    const auto file = open_text(path, false);
    if (!file) {
      return tl::unexpected(file.error());
    }
    if (file->size() == 0) {
      return fail(ErrorCode::malformed,
                  fmt::format("{}: empty; leave it out, or let its writer finish and try again",
                              path.string()));
    }
    const auto counted = file->visit(0, file->size(), [&](std::uint64_t, std::string_view block) {
      result.count += count_characters(block);
      return Result<void>();
    });
    if (!counted) {
      return tl::unexpected(counted.error());
    }
    result.bytes += file->size();
    result.used.push_back({.path = path, .stamp = file->stamp()});
  }
  result.ids = std::make_unique_for_overwrite<std::uint16_t[]>(result.count);
  return result;
}

}  // namespace

Result<CharacterIds> read_characters(std::span<const std::filesystem::path> files,
                                     const Tokenizer* vocabulary_of) {
  auto result = allocate(files);
  if (!result) {
    return result;
  }
  Encoder encoder(vocabulary_of);
  std::span room(result->ids.get(), result->count);
  for (const auto& path : files) {
    const auto file = open_text(path, false);
    if (!file) {
      return tl::unexpected(file.error());
    }
    const auto rest = encoder.encode(*file, room);
    if (!rest) {
      return tl::unexpected(rest.error());
    }
    room = *rest;
  }
  result->count -= room.size();
  if (vocabulary_of == nullptr) {
    const auto place = encoder.sort_alphabet();
    for (std::uint16_t& id : std::span(result->ids.get(), result->count)) {
      id = place[id];
    }
  }
  result->alphabet = encoder.alphabet();
  return result;
}

}  // namespace nodezero::model
