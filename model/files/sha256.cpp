// SPDX-License-Identifier: BSD-3-Clause
#include "model/files/sha256.hpp"

// OpenSSL's newer functions ask for memory, and end in a crash where there is none.
#define OPENSSL_SUPPRESS_DEPRECATED

#include <array>
#include <openssl/sha.h>

#include <fmt/format.h>

#include "model/files/input_file.hpp"

namespace nodezero::model {

struct Sha256::Context : SHA256_CTX {};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  SHA256_Init(context_.get());
}

Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::span<const std::byte> bytes) {
  SHA256_Update(context_.get(), bytes.data(), bytes.size());
}

std::string Sha256::finish() {
  std::array<unsigned char, 32> sum{};
  SHA256_Final(sum.data(), context_.get());
  std::string digits;
  for (const unsigned char byte : sum) {
    fmt::format_to(std::back_inserter(digits), "{:02x}", byte);
  }
  return digits;
}

Result<std::string> sha256_of_file(const std::filesystem::path& path) {
  const auto file = InputFile::open(path);
  if (!file) {
    return tl::unexpected(file.error());
  }
  return sha256_of_bytes(*file, 0, file->size());
}

Result<std::string> sha256_of_bytes(const InputFile& file, std::uint64_t begin, std::uint64_t end,
                                    const InputFile::Visit& also) {
  Sha256 sum;
  const auto read = file.visit(begin, end, [&](std::uint64_t offset, std::string_view block) {
    sum.update(std::as_bytes(std::span(block)));
    return also ? also(offset, block) : Result<void>();
  });
  if (!read) {
    return tl::unexpected(read.error());
  }
  return sum.finish();
}

}  // namespace nodezero::model
