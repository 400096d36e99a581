// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "model/files/input_file.hpp"
#include "model/storage/number_forms.hpp"
#include "nodezero/error.hpp"

namespace nodezero::model {

/// A tensor of a GGUF file.
struct GgufTensor {
  std::vector<std::uint64_t> shape;  ///< the innermost dimension first
  NumberForm form = NumberForm::f32;
  std::uint64_t begin = 0;  ///< of its bytes in the file
  std::uint64_t count = 0;  ///< of numbers
};

/// A GGUF file of version 2 or 3 that is open for reading.
class GgufFile {
 public:
  /// Fails with not_found, io, or malformed, naming the file and what is wrong in it: every length
  /// is compared with the size of the file before anything is allocated.
  static Result<GgufFile> open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return file_->path(); }
  /// The value of a key, null if there is none.
  const nlohmann::json& value(const std::string& key) const;
  const std::map<std::string, GgufTensor>& tensors() const { return tensors_; }
  /// All numbers of a tensor.
  Result<void> read(const GgufTensor& tensor, std::span<float> out) const;

 private:
  explicit GgufFile(InputFile file) : file_(std::make_unique<InputFile>(std::move(file))) {}

  std::unique_ptr<InputFile> file_;
  std::map<std::string, nlohmann::json> values_;
  std::map<std::string, GgufTensor> tensors_;
};

/// Puts a GGUF file of version 3 together.
class GgufWriter {
 public:
  void put(std::string_view key, std::uint32_t value);
  void put(std::string_view key, float value);
  void put(std::string_view key, bool value);
  void put(std::string_view key, std::string_view value);
  void put(std::string_view key, const std::vector<std::string>& values);
  void put(std::string_view key, const std::vector<std::int32_t>& values);

  /// Announces a tensor; `numbers` is asked for its content, row by row, when the file is written.
  void add(std::string name, std::vector<std::uint64_t> shape, NumberForm form,
           std::function<void(std::uint64_t row, std::span<float> out)> numbers);

  /// Writes and syncs the file. Not atomic by itself; see atomic_file.hpp.
  Result<void> write(const std::filesystem::path& path) const;

 private:
  struct Tensor {
    std::string name;
    std::vector<std::uint64_t> shape;
    NumberForm form;
    std::function<void(std::uint64_t, std::span<float>)> numbers;
    std::uint64_t rows() const;
  };

  void begin(std::string_view key, std::uint32_t type);

  std::string values_;
  std::uint64_t value_count_ = 0;
  std::vector<Tensor> tensors_;
};

}  // namespace nodezero::model
