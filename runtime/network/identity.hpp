// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <memory>

#include "nodezero/error.hpp"
#include "runtime/network/secret.hpp"

struct ssl_ctx_st;
struct ssl_st;

namespace nodezero::runtime::network {

struct SslDeleter {
  void operator()(ssl_ctx_st* context) const;
  void operator()(ssl_st* connection) const;
};
using SslContext = std::unique_ptr<ssl_ctx_st, SslDeleter>;
using SslConnection = std::unique_ptr<ssl_st, SslDeleter>;

/// TLS 1.3 with certificates on both sides. The key of the authority follows from the secret, and
/// each process signs a certificate of its own with it, in memory: whoever has the secret is let
/// in, and nobody else. Certificates are valid from two days before now, so that clocks may differ.
struct Identity {
  SslContext server;
  SslContext client;
};

/// Fails with `failed` if the cryptography library does.
Result<Identity> identity_of(const Secret& secret);

/// PEM files of whoever has an authority already.
struct CertificateFiles {
  std::filesystem::path certificate;  ///< this machine's, with those between it and the authority
  std::filesystem::path key;          ///< readable for nobody else
  std::filesystem::path authority;
};

/// Lets in, and is let in by, whoever has a certificate of that authority, whatever its name. Fails
/// with invalid_argument if a file cannot be read or they do not belong together.
Result<Identity> identity_of(const CertificateFiles& files);

/// What the library has to say of its last failure in this thread; forgets it.
std::string last_ssl_error();

}  // namespace nodezero::runtime::network
