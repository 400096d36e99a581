// SPDX-License-Identifier: BSD-3-Clause
#include <numeric>

#include "model/files/file_writer.hpp"
#include "model/interchange/gguf_file.hpp"
#include "model/interchange/gguf_format.hpp"

namespace nodezero::model {
namespace {

template <class Value>
void append_value(const Value& value, std::string& bytes) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void append_text(std::string_view text, std::string& bytes) {
  append_value(std::uint64_t{text.size()}, bytes);
  bytes.append(text);
}

std::uint64_t aligned(std::uint64_t bytes) {
  return (bytes + gguf::alignment - 1) / gguf::alignment * gguf::alignment;
}

}  // namespace

void GgufWriter::begin(std::string_view key, std::uint32_t type) {
  append_text(key, values_);
  append_value(type, values_);
  ++value_count_;
}

void GgufWriter::put(std::string_view key, std::uint32_t value) {
  begin(key, gguf::type_u32);
  append_value(value, values_);
}

void GgufWriter::put(std::string_view key, float value) {
  begin(key, gguf::type_f32);
  append_value(value, values_);
}

void GgufWriter::put(std::string_view key, bool value) {
  begin(key, gguf::type_bool);
  append_value(static_cast<std::uint8_t>(value), values_);
}

void GgufWriter::put(std::string_view key, std::string_view value) {
  begin(key, gguf::type_string);
  append_text(value, values_);
}

void GgufWriter::put(std::string_view key, const std::vector<std::string>& values) {
  begin(key, gguf::type_array);
  append_value(gguf::type_string, values_);
  append_value(std::uint64_t{values.size()}, values_);
  for (const auto& value : values) {
    append_text(value, values_);
  }
}

void GgufWriter::put(std::string_view key, const std::vector<std::int32_t>& values) {
  begin(key, gguf::type_array);
  append_value(gguf::type_i32, values_);
  append_value(std::uint64_t{values.size()}, values_);
  for (const auto value : values) {
    append_value(value, values_);
  }
}

std::uint64_t GgufWriter::Tensor::rows() const {
  return std::accumulate(shape.begin() + 1, shape.end(), std::uint64_t{1}, std::multiplies<>());
}

void GgufWriter::add(std::string name, std::vector<std::uint64_t> shape, NumberForm form,
                     std::function<void(std::uint64_t, std::span<float>)> numbers) {
  tensors_.push_back({std::move(name), std::move(shape), form, std::move(numbers)});
}

Result<void> GgufWriter::write(const std::filesystem::path& path) const {
  std::string head(gguf::magic);
  append_value(gguf::version, head);
  append_value(std::uint64_t{tensors_.size()}, head);
  append_value(value_count_, head);
  head += values_;
  std::uint64_t offset = 0;
  for (const Tensor& tensor : tensors_) {
    append_text(tensor.name, head);
    append_value(static_cast<std::uint32_t>(tensor.shape.size()), head);
    for (const auto size : tensor.shape) {
      append_value(size, head);
    }
    append_value(tensor.form, head);
    append_value(offset, head);
    offset += aligned(stored_bytes(tensor.form, tensor.rows() * tensor.shape.front()));
  }
  head.resize(aligned(head.size()), '\0');
  auto file = FileWriter::create(path);
  if (!file) {
    return tl::unexpected(file.error());
  }
  auto written = file->append(head);
  std::string bytes;
  for (const Tensor& tensor : tensors_) {
    std::vector<float> row(tensor.shape.front());
    std::uint64_t size = 0;
    for (std::uint64_t i = 0; i < tensor.rows() && written; ++i) {
      tensor.numbers(i, row);
      bytes.clear();
      store(tensor.form, row, bytes);
      size += bytes.size();
      written = file->append(bytes);
    }
    if (written) {
      written = file->append(std::string(aligned(size) - size, '\0'));
    }
  }
  return written ? file->finish() : written;
}

}  // namespace nodezero::model
