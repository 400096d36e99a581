// SPDX-License-Identifier: BSD-3-Clause
#include "tests/oracle/reading.hpp"

#include <array>
#include <cstring>

#include "model/files/atomic_file.hpp"
#include "model/text/utf8_text.hpp"

namespace nodezero::oracle {

nlohmann::json read_json(const std::filesystem::path& file) {
  return nlohmann::json::parse(value_of(model::read_file(file)));
}

model::Tokenizer alphabet(std::string_view chars) {
  std::vector<char32_t> code_points;
  while (!chars.empty()) {
    const auto character = model::decode_utf8(chars);
    if (character.bytes == 0) {
      throw std::runtime_error("the alphabet is not UTF-8");
    }
    code_points.push_back(character.code_point);
    chars.remove_prefix(character.bytes);
  }
  return model::Tokenizer::chars(std::move(code_points));
}

std::shared_ptr<const model::TokenSource> read_text(const std::filesystem::path& file,
                                                    const model::Tokenizer& tokenizer) {
  const std::array files{file};
  return value_of(
             model::open_corpus(files, {.kind = tokenizer.kind(), .vocabulary_of = &tokenizer}))
      .tokens;
}

std::vector<float> read_npy(const std::filesystem::path& file) {
  // The form: 6 bytes of magic, 2 of version, the header's length in 2 bytes, the header.
  const auto bytes = value_of(model::read_file(file));
  constexpr std::size_t before_header = 10;
  std::uint16_t header_size = 0;
  if (bytes.size() >= before_header) {
    std::memcpy(&header_size, bytes.data() + 8, sizeof header_size);
  }
  const auto begin = before_header + header_size;
  if (!bytes.starts_with("\x93NUMPY\x01") || bytes.size() < begin ||
      bytes.substr(before_header, header_size).find("'<f4'") == std::string::npos) {
    throw std::runtime_error(file.string() + " is no float32 file of NumPy's form, version 1");
  }
  std::vector<float> values((bytes.size() - begin) / sizeof(float));
  std::memcpy(values.data(), bytes.data() + begin, values.size() * sizeof(float));
  return values;
}

}  // namespace nodezero::oracle
