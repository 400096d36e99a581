// SPDX-License-Identifier: BSD-3-Clause
#include "model/text/token_form.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <regex>
#include <string>

#include <fmt/format.h>

namespace nodezero::model {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view numpy_magic = "\x93NUMPY"sv;
constexpr std::uint64_t llm_c_header = 256 * sizeof(std::int32_t);

tl::unexpected<Error> malformed(const InputFile& file, const std::string& what) {
  return fail(ErrorCode::malformed, fmt::format("{}: {}", file.path().string(), what));
}

/// The part of a file behind a header, which must hold whole ids.
Result<TokenForm> ids_from(const InputFile& file, std::uint64_t begin, TokenForm form) {
  if (file.size() <= begin) {
    return malformed(file, "holds no token ids");
  }
  if ((file.size() - begin) % form.bytes != 0) {
    return malformed(file, fmt::format("has {} bytes, but a token file holds {} for each id; write "
                                       "it again as whole numbers of {} bits",
                                       file.size(), form.bytes, form.bytes * 8));
  }
  form.part = {begin, file.size()};
  return form;
}

/// Reads at most `bytes` bytes from the start.
Result<std::string> start_of(const InputFile& file, std::uint64_t bytes) {
  std::string start(std::min(bytes, file.size()), '\0');
  return file.read(0, std::as_writable_bytes(std::span(start))).map([&] {
    return std::move(start);
  });
}

Result<TokenForm> llm_c_form(const InputFile& file, std::uint32_t count, unsigned bytes) {
  const auto form = ids_from(file, llm_c_header, {.bytes = bytes});
  if (form && (form->part.end - form->part.begin) / bytes != count) {
    return malformed(file, fmt::format("its header says {} tokens, but {} follow; copy or write it "
                                       "again",
                                       count, (form->part.end - form->part.begin) / bytes));
  }
  return form;
}

/// NumPy's format: magic, version, length of a Python dictionary, the dictionary, the numbers.
/// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
Result<TokenForm> numpy_form(const InputFile& file) {
  constexpr std::size_t longest = 10'000;
  const auto start = start_of(file, longest);
  if (!start) {
    return tl::unexpected(start.error());
  }
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>((*start)[at]); };
  if (start->size() < 12) {
    return malformed(file, "ends in its header; copy or save it again");
  }
  const bool is_long = byte(6) > 1;
  const std::uint64_t length =
      byte(8) | byte(9) << 8 | (is_long ? byte(10) << 16 | std::uint64_t{byte(11)} << 24 : 0);
  const std::uint64_t begin = (is_long ? 12 : 10) + length;
  if (begin > start->size()) {
    return malformed(file, "ends in its header, or has one that is too long; save it again");
  }
  const auto header = start->substr(is_long ? 12 : 10, length);
  std::smatch type;
  std::smatch shape;
  static const std::regex type_pattern(R"('descr': '([<|>])([ui])([1248])')");
  static const std::regex order_pattern(R"('fortran_order': False)");
  static const std::regex shape_pattern(R"('shape': \(([0-9, ]*)\))");
  if (!std::regex_search(header, type, type_pattern) || type[1] == ">") {
    return malformed(file,
                     "does not hold whole numbers with their low byte first; save it with "
                     "ids.astype('<u2') or '<u4'");
  }
  if (!std::regex_search(header, order_pattern) ||
      !std::regex_search(header, shape, shape_pattern)) {
    return malformed(file, "is stored column by column; save it with numpy.ascontiguousarray");
  }
  double count = 1;  // compared only, so that no product overflows
  const std::string sizes = shape[1];
  static const std::regex number(R"([0-9]+)");
  for (std::sregex_iterator found(sizes.begin(), sizes.end(), number), end; found != end; ++found) {
    count *= std::stod(found->str());
  }
  const auto form = ids_from(
      file, begin,
      {.bytes = static_cast<unsigned>(type[3].str()[0] - '0'), .is_signed = type[2] == "i"});
  if (form && static_cast<double>((form->part.end - begin) / form->bytes) != count) {
    return malformed(file,
                     "holds another number of ids than its header says; copy or save it again");
  }
  return form;
}

}  // namespace

Result<TokenForm> token_form_of(const InputFile& file, TokenType type) {
  const auto start = start_of(file, 3 * sizeof(std::uint32_t));
  if (!start) {
    return tl::unexpected(start.error());
  }
  if (start->starts_with(numpy_magic)) {
    return numpy_form(file);
  }
  std::array<std::uint32_t, 3> header{};  // magic, version, number of tokens
  std::memcpy(header.data(), start->data(), start->size());
  if (file.size() >= llm_c_header) {
    if (header[0] == 20240520 && header[1] == 1) {
      return llm_c_form(file, header[2], 2);
    }
    if (header[0] == 20240801 && header[1] == 7) {
      return llm_c_form(file, header[2], 4);
    }
  }
  return ids_from(
      file, 0,
      {.bytes = type == TokenType::uint32 ? 4U : 2U, .is_guessed = type == TokenType::automatic});
}

}  // namespace nodezero::model
