// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "model/files/input_file.hpp"
#include "nodezero/error.hpp"

namespace nodezero::model {

/// SHA-256 of bytes that come in pieces.
class Sha256 {
 public:
  /// @throws std::runtime_error if the cryptography library has no SHA-256
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::span<const std::byte> bytes);
  /// The sum as 64 lower-case hexadecimal digits; ends the sequence.
  std::string finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

/// SHA-256 of a file's content; not_found or io.
Result<std::string> sha256_of_file(const std::filesystem::path& path);

/// SHA-256 of the first `bytes` bytes of a file; io, also if it has become shorter.
Result<std::string> sha256_of_file(const InputFile& file, std::uint64_t bytes);

}  // namespace nodezero::model
