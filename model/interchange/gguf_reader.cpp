// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>

#include "model/interchange/gguf_file.hpp"
#include "model/interchange/gguf_format.hpp"

namespace nodezero::model {
namespace {

constexpr std::uint32_t most_dimensions = 4;
constexpr std::uint64_t most_alignment = 1 << 16;

/// Ends reading from within; caught where the file is opened.
struct Malformed {
  std::string what;
};

/// Reads a file from front to back.
class Cursor {
 public:
  explicit Cursor(const InputFile& file) : file_(file) {}

  std::uint64_t at() const { return block_begin_ + at_; }
  std::uint64_t left() const { return file_.size() - at(); }

  void fill(std::span<std::byte> out) {
    if (out.size() > left()) {
      throw Malformed{"ends too early"};
    }
    while (!out.empty()) {
      if (at_ == block_.size()) {
        next_block();
      }
      const auto part = std::min(out.size(), block_.size() - at_);
      std::memcpy(out.data(), block_.data() + at_, part);
      at_ += part;
      out = out.subspan(part);
    }
  }

  template <class Value>
  Value value() {
    Value read{};
    fill(std::as_writable_bytes(std::span(&read, 1)));
    return read;
  }

  /// A number of things of at least `least_bytes` each that are to follow.
  std::uint64_t count(std::uint64_t least_bytes) {
    const auto number = value<std::uint64_t>();
    if (number > left() / least_bytes) {
      throw Malformed{fmt::format("announces {} things in {} bytes", number, left())};
    }
    return number;
  }

  std::string text() {
    std::string read(count(1), '\0');
    fill(std::as_writable_bytes(std::span(read)));
    return read;
  }

 private:
  void next_block() {
    block_begin_ += block_.size();
    at_ = 0;
    block_.resize(std::min<std::uint64_t>(InputFile::block_bytes, file_.size() - block_begin_));
    if (!file_.read(block_begin_, block_)) {
      throw Malformed{"cannot be read"};
    }
  }

  const InputFile& file_;
  std::uint64_t block_begin_ = 0;
  std::vector<std::byte> block_;
  std::size_t at_ = 0;
};

nlohmann::json read_value(Cursor& cursor, std::uint32_t type, bool in_array = false) {
  switch (type) {
    case gguf::type_u8:
      return cursor.value<std::uint8_t>();
    case gguf::type_i8:
      return cursor.value<std::int8_t>();
    case gguf::type_u16:
      return cursor.value<std::uint16_t>();
    case gguf::type_i16:
      return cursor.value<std::int16_t>();
    case gguf::type_u32:
      return cursor.value<std::uint32_t>();
    case gguf::type_i32:
      return cursor.value<std::int32_t>();
    case gguf::type_f32:
      return cursor.value<float>();
    case gguf::type_bool:
      return cursor.value<std::uint8_t>() != 0;
    case gguf::type_string:
      return cursor.text();
    case gguf::type_u64:
      return cursor.value<std::uint64_t>();
    case gguf::type_i64:
      return cursor.value<std::int64_t>();
    case gguf::type_f64:
      return cursor.value<double>();
    case gguf::type_array:
      break;
    default:
      throw Malformed{fmt::format("has a value of the unknown type {}", type)};
  }
  if (in_array) {
    throw Malformed{"has an array of arrays"};
  }
  const auto element = cursor.value<std::uint32_t>();
  const auto count = cursor.count(1);
  auto array = nlohmann::json::array();
  for (std::uint64_t i = 0; i < count; ++i) {
    array.push_back(read_value(cursor, element, true));
  }
  return array;
}

GgufTensor read_tensor(Cursor& cursor, const std::string& name) {
  GgufTensor tensor;
  const auto dimensions = cursor.value<std::uint32_t>();
  if (dimensions < 1 || dimensions > most_dimensions) {
    throw Malformed{fmt::format("has tensor {} of {} dimensions", name, dimensions)};
  }
  tensor.count = 1;
  for (std::uint32_t i = 0; i < dimensions; ++i) {
    tensor.shape.push_back(cursor.value<std::uint64_t>());
    if (tensor.shape.back() == 0 || tensor.shape.back() > (std::uint64_t{1} << 40) / tensor.count) {
      throw Malformed{fmt::format("has tensor {} of an impossible size", name)};
    }
    tensor.count *= tensor.shape.back();
  }
  const auto form = cursor.value<std::uint32_t>();
  if (!is_known(form)) {
    throw Malformed{
        fmt::format("has tensor {} in ggml's form {}; only f32, f16, bf16 and q8_0 are "
                    "supported",
                    name, form)};
  }
  tensor.form = static_cast<NumberForm>(form);
  if (tensor.form == NumberForm::q8_0 && tensor.shape.front() % q8_block != 0) {
    throw Malformed{fmt::format("has tensor {} whose rows are not whole blocks", name)};
  }
  tensor.begin = cursor.value<std::uint64_t>();
  return tensor;
}

}  // namespace

Result<GgufFile> GgufFile::open(const std::filesystem::path& path) {
  auto opened = InputFile::open(path);
  if (!opened) {
    return tl::unexpected(opened.error());
  }
  GgufFile file(std::move(*opened));
  try {
    Cursor cursor(*file.file_);
    std::array<char, 4> magic{};
    cursor.fill(std::as_writable_bytes(std::span(magic)));
    if (std::string_view(magic.data(), magic.size()) != gguf::magic) {
      throw Malformed{"is not a GGUF file: it has another signature"};
    }
    const auto version = cursor.value<std::uint32_t>();
    if (version != 2 && version != gguf::version) {
      throw Malformed{fmt::format("has version {} of GGUF; 2 and 3 are supported", version)};
    }
    constexpr std::uint64_t least_tensor = 8 + 4 + 8 + 4 + 8;
    constexpr std::uint64_t least_value = 8 + 4 + 1;
    const auto tensors = cursor.count(least_tensor);
    const auto values = cursor.count(least_value);
    for (std::uint64_t i = 0; i < values; ++i) {
      auto key = cursor.text();
      const auto type = cursor.value<std::uint32_t>();
      file.values_[std::move(key)] = read_value(cursor, type);
    }
    for (std::uint64_t i = 0; i < tensors; ++i) {
      const auto name = cursor.text();
      if (!file.tensors_.emplace(name, read_tensor(cursor, name)).second) {
        throw Malformed{fmt::format("has tensor {} twice", name)};
      }
    }
    const auto& given = file.value("general.alignment");
    const auto alignment =
        given.is_number_unsigned() ? given.get<std::uint64_t>() : gguf::alignment;
    if (alignment == 0 || alignment > most_alignment) {
      throw Malformed{fmt::format("has the alignment {}", alignment)};
    }
    const auto data = (cursor.at() + alignment - 1) / alignment * alignment;
    for (auto& [name, tensor] : file.tensors_) {
      const auto bytes = stored_bytes(tensor.form, tensor.count);
      const auto size = file.file_->size();
      if (data > size || tensor.begin > size - data || bytes > size - data - tensor.begin) {
        throw Malformed{fmt::format("ends before the end of tensor {}", name)};
      }
      tensor.begin += data;
    }
  } catch (const Malformed& reason) {
    return fail(ErrorCode::malformed,
                fmt::format("{}: {}; copy or export it again", path.string(), reason.what));
  }
  return file;
}

const nlohmann::json& GgufFile::value(const std::string& key) const {
  static const nlohmann::json nothing;
  const auto found = values_.find(key);
  return found == values_.end() ? nothing : found->second;
}

Result<void> GgufFile::read(const GgufTensor& tensor, std::span<float> out) const {
  constexpr std::size_t part = std::size_t{1} << 16;
  std::vector<std::byte> bytes;
  for (std::size_t at = 0; at < out.size(); at += part) {
    const auto numbers = out.subspan(at, std::min(part, out.size() - at));
    bytes.resize(stored_bytes(tensor.form, numbers.size()));
    if (auto done = file_->read(tensor.begin + stored_bytes(tensor.form, at), bytes); !done) {
      return done;
    }
    restore(tensor.form, bytes, numbers);
  }
  return {};
}

}  // namespace nodezero::model
