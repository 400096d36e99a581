// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/network/identity.hpp"

#include <array>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdexcept>
#include <utility>

namespace nodezero::runtime::network {
namespace {

template <auto free>
struct Freed {
  void operator()(auto* object) const { free(object); }
};
template <class T, auto free>
using Owned = std::unique_ptr<T, Freed<free>>;
using Key = Owned<EVP_PKEY, EVP_PKEY_free>;
using Number = Owned<BIGNUM, BN_clear_free>;
using Certificate = Owned<X509, X509_free>;

/// @throws std::runtime_error unless the library has done what it was asked for
void check(bool succeeded) {
  if (!succeeded) {
    throw std::runtime_error(last_ssl_error());
  }
}
template <class Pointer>
Pointer checked(Pointer pointer) {
  check(pointer != nullptr);
  return pointer;
}

/// 48 bytes, so that what is left of them modulo the curve's order has no bias that counts.
std::array<unsigned char, 48> derive(const Secret& secret) {
  const Owned<EVP_KDF, EVP_KDF_free> method(checked(EVP_KDF_fetch(nullptr, "HKDF", nullptr)));
  const Owned<EVP_KDF_CTX, EVP_KDF_CTX_free> context(checked(EVP_KDF_CTX_new(method.get())));
  std::array<char, 7> digest{"SHA256"};
  std::array<char, 32> purpose{"nodezero certificate authority"};
  auto bytes = secret.bytes;
  const std::array<OSSL_PARAM, 4> parameters{
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, bytes.data(), bytes.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, purpose.data(), purpose.size()),
      OSSL_PARAM_construct_end()};
  std::array<unsigned char, 48> derived{};
  check(EVP_KDF_derive(context.get(), derived.data(), derived.size(), parameters.data()) == 1);
  return derived;
}

/// The authority's key on P-256, always the same for a secret.
Key authority_key(const Secret& secret) {
  const Owned<EC_GROUP, EC_GROUP_free> curve(
      checked(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)));
  const Owned<BN_CTX, BN_CTX_free> scratch(checked(BN_CTX_new()));
  auto derived = derive(secret);
  const Number scalar(checked(BN_bin2bn(derived.data(), derived.size(), nullptr)));
  const Number order(checked(BN_dup(EC_GROUP_get0_order(curve.get()))));
  check(BN_sub_word(order.get(), 1) == 1);
  check(BN_mod(scalar.get(), scalar.get(), order.get(), scratch.get()) == 1);
  check(BN_add_word(scalar.get(), 1) == 1);  // from 1 to the order - 1
  const Owned<EC_POINT, EC_POINT_free> point(checked(EC_POINT_new(curve.get())));
  check(EC_POINT_mul(curve.get(), point.get(), scalar.get(), nullptr, nullptr, scratch.get()) == 1);
  std::array<unsigned char, 65> encoded{};
  check(EC_POINT_point2oct(curve.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED, encoded.data(),
                           encoded.size(), scratch.get()) == encoded.size());
  const Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> builder(checked(OSSL_PARAM_BLD_new()));
  check(OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1",
                                        0) == 1);
  check(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar.get()) == 1);
  check(OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, encoded.data(),
                                         encoded.size()) == 1);
  const Owned<OSSL_PARAM, OSSL_PARAM_free> parameters(
      checked(OSSL_PARAM_BLD_to_param(builder.get())));
  const Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(
      checked(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr)));
  check(EVP_PKEY_fromdata_init(context.get()) == 1);
  EVP_PKEY* key = nullptr;
  check(EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, parameters.get()) == 1);
  return Key(key);
}

void name(X509_NAME* entry, const char* common_name) {
  check(X509_NAME_add_entry_by_txt(entry, "CN", MBSTRING_ASC,
                                   reinterpret_cast<const unsigned char*>(common_name), -1, -1,
                                   0) == 1);
}

void extend(X509& certificate, int extension, const char* value) {
  const Owned<X509_EXTENSION, X509_EXTENSION_free> made(
      checked(X509V3_EXT_conf_nid(nullptr, nullptr, extension, value)));
  check(X509_add_ext(&certificate, made.get(), -1) == 1);
}

Certificate signed_certificate(const Key& key, const char* subject, const Key& authority,
                               bool is_authority) {
  constexpr long day = 24L * 60 * 60;
  Certificate certificate(checked(X509_new()));
  check(X509_set_version(certificate.get(), X509_VERSION_3) == 1);
  std::uint64_t serial = 0;
  check(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1);
  check(ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1U) == 1);
  checked(X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -2 * day));
  checked(X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3'650 * day));
  name(X509_get_subject_name(certificate.get()), subject);
  const Owned<X509_NAME, X509_NAME_free> issuer(checked(X509_NAME_new()));
  name(issuer.get(), "nodezero authority");
  check(X509_set_issuer_name(certificate.get(), issuer.get()) == 1);
  check(X509_set_pubkey(certificate.get(), key.get()) == 1);
  extend(*certificate, NID_basic_constraints,
         is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  extend(*certificate, NID_key_usage,
         is_authority ? "critical,keyCertSign" : "critical,digitalSignature");
  check(X509_sign(certificate.get(), authority.get(), EVP_sha256()) > 0);
  return certificate;
}

SslContext new_context(const SSL_METHOD* method) {
  SslContext context(checked(SSL_CTX_new(method)));
  SSL_CTX* const raw = context.get();
  check(SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION) == 1);
  check(SSL_CTX_set_ciphersuites(raw, "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256") == 1);
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  // Neither side is told by its name: there is one authority for one run.
  check(SSL_CTX_set_purpose(raw, X509_PURPOSE_ANY) == 1);
  SSL_CTX_set_mode(raw, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(raw, SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_num_tickets(raw, 0);
  return context;
}

SslContext context_with(const SSL_METHOD* method, const Key& key, X509& certificate,
                        X509& authority) {
  SslContext context = new_context(method);
  SSL_CTX* const raw = context.get();
  check(SSL_CTX_use_certificate(raw, &certificate) == 1);
  check(SSL_CTX_use_PrivateKey(raw, key.get()) == 1);
  check(X509_STORE_add_cert(SSL_CTX_get_cert_store(raw), &authority) == 1);
  return context;
}

SslContext context_from(const SSL_METHOD* method, const CertificateFiles& files) {
  SslContext context = new_context(method);
  SSL_CTX* const raw = context.get();
  const auto take = [](bool succeeded, const std::filesystem::path& file) {
    if (!succeeded) {
      throw std::runtime_error("'" + file.string() + "': " + last_ssl_error());
    }
  };
  take(SSL_CTX_use_certificate_chain_file(raw, files.certificate.c_str()) == 1, files.certificate);
  take(SSL_CTX_use_PrivateKey_file(raw, files.key.c_str(), SSL_FILETYPE_PEM) == 1, files.key);
  take(SSL_CTX_load_verify_file(raw, files.authority.c_str()) == 1, files.authority);
  return context;
}

}  // namespace

void SslDeleter::operator()(SSL_CTX* context) const {
  SSL_CTX_free(context);
}

void SslDeleter::operator()(SSL* connection) const {
  SSL_free(connection);
}

std::string last_ssl_error() {
  const auto code = ERR_peek_last_error();
  ERR_clear_error();
  const char* const reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "the connection was closed" : reason;
}

Result<Identity> identity_of(const Secret& secret) {
  try {
    const Key authority = authority_key(secret);
    const Certificate root = signed_certificate(authority, "nodezero authority", authority, true);
    const Key own(checked(EVP_EC_gen("P-256")));
    const Certificate leaf = signed_certificate(own, "nodezero machine", authority, false);
    return Identity{context_with(TLS_server_method(), own, *leaf, *root),
                    context_with(TLS_client_method(), own, *leaf, *root)};
  } catch (const std::runtime_error& error) {
    return fail(ErrorCode::failed,
                std::string("no certificate can be made from the secret: ") + error.what());
  }
}

Result<Identity> identity_of(const CertificateFiles& files) {
  if (const auto kept = check_kept_from_others(files.key); !kept) {
    return tl::unexpected(kept.error());
  }
  try {
    return Identity{context_from(TLS_server_method(), files),
                    context_from(TLS_client_method(), files)};
  } catch (const std::runtime_error& error) {
    return fail(ErrorCode::invalid_argument,
                std::string("the certificates cannot be used: ") + error.what());
  }
}

}  // namespace nodezero::runtime::network
