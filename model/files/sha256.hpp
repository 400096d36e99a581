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

/// SHA-256 of bytes [begin, end) of a file, which `also` sees as well if there is one, so that they
/// are read once; io, also if the file has become shorter, or as `also` fails.
Result<std::string> sha256_of_bytes(const InputFile& file, std::uint64_t begin, std::uint64_t end,
                                    const InputFile::Visit& also = nullptr);

}  // namespace nodezero::model
