// SPDX-License-Identifier: BSD-3-Clause
#include "model/files/sha256.hpp"

#include <array>
#include <openssl/evp.h>
#include <stdexcept>

#include <fmt/format.h>

#include "model/files/input_file.hpp"

namespace nodezero::model {
namespace {

void require(int status) {
  if (status != 1) {
    throw std::runtime_error(
        "OpenSSL cannot compute SHA-256; check the installation of its libcrypto");
  }
}

}  // namespace

struct Sha256::Context {
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> state{EVP_MD_CTX_new(), EVP_MD_CTX_free};
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  require(EVP_DigestInit_ex(context_->state.get(), EVP_sha256(), nullptr));
}

Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::span<const std::byte> bytes) {
  require(EVP_DigestUpdate(context_->state.get(), bytes.data(), bytes.size()));
}

std::string Sha256::finish() {
  std::array<unsigned char, 32> sum{};
  require(EVP_DigestFinal_ex(context_->state.get(), sum.data(), nullptr));
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
