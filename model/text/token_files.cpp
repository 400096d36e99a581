// SPDX-License-Identifier: BSD-3-Clause
#include "model/text/token_files.hpp"

#include <algorithm>
#include <bit>
#include <cctype>
#include <cstring>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "model/text/joined_files.hpp"
#include "model/text/token_form.hpp"

namespace nodezero::model {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::int64_t largest_id = std::numeric_limits<std::int32_t>::max();

template <class Id, class Visit>
void visit_as(std::string_view bytes, Visit&& visit) {
  for (std::size_t i = 0; i < bytes.size() / sizeof(Id); ++i) {
    Id id;
    std::memcpy(&id, bytes.data() + i * sizeof(Id), sizeof(Id));
    visit(i, static_cast<std::int64_t>(id));
  }
}

/// Calls visit(i, id) for the ids in `bytes`. Unsigned ids of 64 bits above 2^63 become negative,
/// so they are outside of every vocabulary, too.
template <class Visit>
void visit_ids(const TokenForm& form, std::string_view bytes, Visit&& visit) {
  switch (form.bytes) {
    case 1:
      return form.is_signed ? visit_as<std::int8_t>(bytes, visit)
                            : visit_as<std::uint8_t>(bytes, visit);
    case 2:
      return form.is_signed ? visit_as<std::int16_t>(bytes, visit)
                            : visit_as<std::uint16_t>(bytes, visit);
    case 4:
      return form.is_signed ? visit_as<std::int32_t>(bytes, visit)
                            : visit_as<std::uint32_t>(bytes, visit);
    default:
      return visit_as<std::int64_t>(bytes, visit);
  }
}

/// The ids of joined token files. All store them alike, so no id straddles two of them.
class FileTokens : public TokenSource {
 public:
  FileTokens(JoinedFiles files, TokenForm form) : files_(std::move(files)), form_(form) {}
  std::uint64_t size() const override { return files_.size() / form_.bytes; }
  void read(std::uint64_t offset, std::span<std::int32_t> out) const override {
    check_token_range(offset, out.size(), size());
    std::vector<char> bytes(out.size() * form_.bytes);
    files_.read(offset * form_.bytes, bytes);
    visit_ids(form_, {bytes.data(), bytes.size()},
              [&](std::size_t i, std::int64_t id) { out[i] = static_cast<std::int32_t>(id); });
  }

 private:
  JoinedFiles files_;
  TokenForm form_;
};

/// Looks at token files: finds their largest id, and refuses ids outside a vocabulary.
class TokenFileInspector : public JoinedFiles::Inspector {
 public:
  /// A vocabulary of 0 is not known and admits every id.
  TokenFileInspector(TokenType type, std::int64_t vocabulary)
      : type_(type), vocabulary_(vocabulary) {}

  Result<JoinedFiles::Part> part_of(const InputFile& file) override {
    const auto form = token_form_of(file, type_);
    if (!form) {
      return tl::unexpected(form.error());
    }
    if (form_ && (form->bytes != form_->bytes || form->is_signed != form_->is_signed)) {
      return fail(
          ErrorCode::invalid_argument,
          fmt::format("{}: stores an id in {} bits, but the files before in {}; convert one "
                      "kind into the other",
                      file.path().string(), form->bytes * 8, form_->bytes * 8));
    }
    form_ = form.value();
    return form->part;
  }

  Result<void> look(const InputFile& file, std::uint64_t offset, std::string_view bytes) override {
    std::int64_t least = 0;
    std::int64_t most = 0;
    visit_ids(*form_, bytes, [&](std::size_t, std::int64_t id) {
      least = std::min(least, id);
      most = std::max(most, id);
    });
    if (least < 0 || most >= (vocabulary_ > 0 ? vocabulary_ : largest_id)) {
      return refuse_first_outside(file, offset, bytes);
    }
    if (form_->is_guessed && offset == form_->part.begin && looks_like_32_bits(bytes)) {
      return fail(
          ErrorCode::malformed,
          fmt::format("{}: looks like ids of 32 bits, since every other one of 16 bits is 0; "
                      "give 'token_type' uint32, or uint16 if they are what they seem",
                      file.path().string()));
    }
    largest_ = std::max(largest_, most);
    return {};
  }

  std::int64_t vocabulary() const { return vocabulary_ > 0 ? vocabulary_ : largest_ + 1; }
  const TokenForm& form() const { return *form_; }

 private:
  tl::unexpected<Error> refuse_first_outside(const InputFile& file, std::uint64_t offset,
                                             std::string_view bytes) const {
    std::optional<std::pair<std::size_t, std::int64_t>> first;
    const std::int64_t end = vocabulary_ > 0 ? vocabulary_ : largest_id;
    visit_ids(*form_, bytes, [&](std::size_t i, std::int64_t id) {
      if (!first && (id < 0 || id >= end)) {
        first.emplace(i, id);
      }
    });
    const auto place = (offset - form_->part.begin) / form_->bytes + first->first;
    return fail(ErrorCode::malformed,
                fmt::format("{}: token {} has the id {}, but the vocabulary has {} ids; check that "
                            "the file was made for this model",
                            file.path().string(), place, first->second, end));
  }

  /// The upper halves of ids below 2^20 are below 16.
  static bool looks_like_32_bits(std::string_view bytes) {
    std::int64_t most_lower = 0;
    std::int64_t most_upper = 0;
    visit_as<std::uint16_t>(bytes, [&](std::size_t i, std::int64_t half) {
      auto& most = i % 2 == 0 ? most_lower : most_upper;
      most = std::max(most, half);
    });
    return bytes.size() >= 16 && bytes.size() % 4 == 0 && most_lower > 0 &&
           (most_upper == 0 || (most_upper < 16 && most_lower > 1'000));
  }

  TokenType type_;
  std::int64_t vocabulary_;
  std::int64_t largest_ = 0;
  std::optional<TokenForm> form_;  ///< of the latest file
};

}  // namespace

bool is_token_file(const std::filesystem::path& path) {
  auto ending = path.extension().string();
  std::ranges::transform(ending, ending.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return ending == ".bin" || ending == ".npy";
}

Result<Corpus> open_token_files(std::span<const std::filesystem::path> files, TokenType type,
                                std::int64_t vocabulary) {
  TokenFileInspector inspector(type, vocabulary);
  auto joined = JoinedFiles::open(files, inspector);
  if (!joined) {
    return tl::unexpected(joined.error());
  }
  const std::uint64_t bytes = joined->size();
  auto used = joined->used();
  return Corpus{std::make_shared<FileTokens>(std::move(*joined), inspector.form()),
                Tokenizer::none(inspector.vocabulary()), inspector.vocabulary(), bytes,
                std::move(used)};
}

}  // namespace nodezero::model
