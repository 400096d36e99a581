// SPDX-License-Identifier: BSD-3-Clause
#include "model/files/sha256.hpp"

#include <array>
#include <cerrno>
#include <openssl/evp.h>
#include <stdexcept>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "model/files/mapped_file.hpp"
#include "model/files/system_error.hpp"

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
  const auto file = open_to_read(path);
  if (!file) {
    return tl::unexpected(file.error());
  }
  Sha256 sum;
  std::vector<std::byte> buffer(std::size_t{1} << 20);
  for (;;) {
    const ssize_t count = ::read(file->number(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return tl::unexpected(read_error(path, errno));
    }
    if (count == 0) {
      return sum.finish();
    }
    sum.update(std::span(buffer).first(static_cast<std::size_t>(count)));
  }
}

}  // namespace nodezero::model
