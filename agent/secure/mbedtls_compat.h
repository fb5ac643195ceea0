// SPDX-License-Identifier: Apache-2.0
// What differs between mbedTLS 2.28 (Debian 12) and 3.6 (13), in one place. Only for this folder.
#pragma once

#include <mbedtls/asn1write.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crl.h>
#include <mbedtls/x509_crt.h>
#include <mbedtls/x509_csr.h>
#if MBEDTLS_VERSION_MAJOR >= 3
#include <psa/crypto.h>
#endif

#include <array>
#include <string_view>

#include "agent/ports/tls_options.h"

namespace outrider {

/// One object of mbedTLS, freed (and where it holds secrets, wiped) with its owner.
template <class T, void (*Init)(T*), void (*Free)(T*)>
class Owned {
 public:
  Owned() { Init(&value_); }
  ~Owned() { Free(&value_); }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  T* get() { return &value_; }
  const T* get() const { return &value_; }

 private:
  T value_;
};
using OwnedCertificates = Owned<mbedtls_x509_crt, mbedtls_x509_crt_init, mbedtls_x509_crt_free>;
using OwnedRevocations = Owned<mbedtls_x509_crl, mbedtls_x509_crl_init, mbedtls_x509_crl_free>;
using OwnedKey = Owned<mbedtls_pk_context, mbedtls_pk_init, mbedtls_pk_free>;
using OwnedRequest = Owned<mbedtls_x509_csr, mbedtls_x509_csr_init, mbedtls_x509_csr_free>;
using OwnedRequestWriter =
    Owned<mbedtls_x509write_csr, mbedtls_x509write_csr_init, mbedtls_x509write_csr_free>;
using OwnedSession = Owned<mbedtls_ssl_session, mbedtls_ssl_session_init, mbedtls_ssl_session_free>;
using OwnedConfig = Owned<mbedtls_ssl_config, mbedtls_ssl_config_init, mbedtls_ssl_config_free>;
using OwnedContext = Owned<mbedtls_ssl_context, mbedtls_ssl_init, mbedtls_ssl_free>;

/// A generator of random numbers, fed by the system. Not to be shared between threads.
class Random {
 public:
  /// An mbedTLS code, 0 when it can be used.
  int seed() { return mbedtls_ctr_drbg_seed(drbg_.get(), mbedtls_entropy_func, entropy_.get(), nullptr, 0); }
  static constexpr auto* kFunction = mbedtls_ctr_drbg_random;
  void* state() { return drbg_.get(); }

 private:
  Owned<mbedtls_entropy_context, mbedtls_entropy_init, mbedtls_entropy_free> entropy_;
  Owned<mbedtls_ctr_drbg_context, mbedtls_ctr_drbg_init, mbedtls_ctr_drbg_free> drbg_;
};

#if MBEDTLS_VERSION_MAJOR >= 3

#ifdef MBEDTLS_SSL_PROTO_TLS1_3
inline constexpr bool kHasTls13 = true;
#else
inline constexpr bool kHasTls13 = false;
#endif
inline constexpr int kVersionRefused = MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION;

/// TLS 1.3 is built on PSA, which wants to be started; again does no harm.
inline int start_crypto() { return psa_crypto_init() == PSA_SUCCESS ? 0 : MBEDTLS_ERR_SSL_INTERNAL_ERROR; }
inline int parse_key(mbedtls_pk_context* key, const unsigned char* text, std::size_t size, Random& random) {
  return mbedtls_pk_parse_key(key, text, size, nullptr, 0, Random::kFunction, random.state());
}
inline int check_pair(const mbedtls_pk_context& open, const mbedtls_pk_context& secret, Random& random) {
  return mbedtls_pk_check_pair(&open, &secret, Random::kFunction, random.state());
}
inline mbedtls_ecp_group_id curve_of(const mbedtls_pk_context& ec_key) {
  return mbedtls_ecp_keypair_get_group_id(mbedtls_pk_ec(ec_key));
}
/// mbedTLS reads a subject as text in other ways in each version; its list of parts is the same in all.
inline mbedtls_asn1_named_data** subject_of(mbedtls_x509write_csr* request) {
  return &request->MBEDTLS_PRIVATE(subject);
}
inline int add_extension(mbedtls_x509write_csr* request, std::string_view oid, std::string_view value) {
  return mbedtls_x509write_csr_set_extension(request, oid.data(), oid.size(), /*critical=*/0,
                                             reinterpret_cast<const unsigned char*>(value.data()),
                                             value.size());
}
inline void set_minimum_version(mbedtls_ssl_config* config, TlsVersion least) {
  mbedtls_ssl_conf_min_tls_version(
      config, least == TlsVersion::k13 ? MBEDTLS_SSL_VERSION_TLS1_3 : MBEDTLS_SSL_VERSION_TLS1_2);
#if defined(MBEDTLS_SSL_SESSION_TICKETS) && MBEDTLS_VERSION_NUMBER >= 0x03060100
  mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
      config, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
#endif
}
/// TLS 1.3 sends what it takes to resume later, in a message of its own.
inline bool is_new_ticket(int code) { return code == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET; }
/// The number of the alert after MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE; 3.6 has no getter for it.
inline int last_alert(const mbedtls_ssl_context& tls) { return tls.MBEDTLS_PRIVATE(in_msg)[1]; }

#else

inline constexpr bool kHasTls13 = false;
inline constexpr int kVersionRefused = MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION;

inline int start_crypto() { return 0; }
inline int parse_key(mbedtls_pk_context* key, const unsigned char* text, std::size_t size, Random&) {
  return mbedtls_pk_parse_key(key, text, size, nullptr, 0);
}
inline int check_pair(const mbedtls_pk_context& open, const mbedtls_pk_context& secret, Random&) {
  return mbedtls_pk_check_pair(&open, &secret);
}
inline mbedtls_ecp_group_id curve_of(const mbedtls_pk_context& ec_key) {
  return mbedtls_pk_ec(ec_key)->grp.id;
}
inline mbedtls_asn1_named_data** subject_of(mbedtls_x509write_csr* request) { return &request->subject; }
inline int add_extension(mbedtls_x509write_csr* request, std::string_view oid, std::string_view value) {
  return mbedtls_x509write_csr_set_extension(
      request, oid.data(), oid.size(), reinterpret_cast<const unsigned char*>(value.data()), value.size());
}
inline void set_minimum_version(mbedtls_ssl_config* config, TlsVersion) {
  mbedtls_ssl_conf_min_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);  // 1.2
}
inline bool is_new_ticket(int) { return false; }
inline int last_alert(const mbedtls_ssl_context& tls) { return tls.in_msg[1]; }

#endif

inline bool is_tls13(const mbedtls_ssl_context& tls) {
  return std::string_view(mbedtls_ssl_get_version(&tls)) == "TLSv1.3";
}

/// Only suites with forward secrecy and authenticated encryption, what devices without AES instructions are fast at
/// before the longer keys. What every server since 2013 has; what AWS IoT Core and mosquitto choose is the first.
inline constexpr std::array kCiphers {
#if MBEDTLS_VERSION_MAJOR >= 3
  MBEDTLS_TLS1_3_AES_128_GCM_SHA256, MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
      MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
#endif
      MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
      MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
      MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
      MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, 0
};

}  // namespace outrider
