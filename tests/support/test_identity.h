// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/x509_crt.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>

#include "agent/base/ensure.h"
#include "agent/base/time.h"
#include "agent/secure/key_maker.h"

namespace outrider {

/// A key with a certificate that it has signed itself, good from 2020 on.
class TestIdentity {
 public:
  TestIdentity(const std::string& name, WallTime not_after) {
    const auto made = make_private_key(KeyType::kEcP256);
    ENSURE(made);
    key_ = made->view();
    mbedtls_pk_context key;
    mbedtls_pk_init(&key);
    const auto* const text = reinterpret_cast<const unsigned char*>(key_.c_str());
#if MBEDTLS_VERSION_MAJOR >= 3
    ENSURE(mbedtls_pk_parse_key(&key, text, key_.size() + 1, nullptr, 0, random, nullptr) == 0);
#else
    ENSURE(mbedtls_pk_parse_key(&key, text, key_.size() + 1, nullptr, 0) == 0);
#endif
    sign(name, not_after, key);
    mbedtls_pk_free(&key);
  }

  /// The key first, as a careful operator does; each takes the place of the file of before in one step.
  void write(const std::string& certificate_path, const std::string& key_path) const {
    replace(key_path, key_);
    replace(certificate_path, certificate_);
  }

 private:
  static int random(void*, unsigned char* bytes, std::size_t size) {
    static std::uint32_t state = 1;
    for (std::size_t i = 0; i < size; ++i)
      bytes[i] = static_cast<unsigned char>((state = state * 1664525U + 1013904223U) >> 24U);
    return 0;
  }

  /// "20261122100000"
  static std::string x509_time(WallTime time) {
    std::string digits;
    for (const char c : iso_time(time).substr(0, 19))
      if (c >= '0' && c <= '9') digits += c;
    return digits;
  }

  void sign(const std::string& name, WallTime not_after, mbedtls_pk_context& key) {
    mbedtls_x509write_cert certificate;
    mbedtls_x509write_crt_init(&certificate);
    mbedtls_mpi serial;
    mbedtls_mpi_init(&serial);
    ENSURE(mbedtls_mpi_lset(&serial, 7) == 0);
    ENSURE(mbedtls_x509write_crt_set_serial(&certificate, &serial) == 0);
    mbedtls_x509write_crt_set_version(&certificate, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(&certificate, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(&certificate, &key);
    mbedtls_x509write_crt_set_issuer_key(&certificate, &key);
    ENSURE(mbedtls_x509write_crt_set_subject_name(&certificate, ("CN=" + name).c_str()) == 0);
    ENSURE(mbedtls_x509write_crt_set_issuer_name(&certificate, ("CN=" + name).c_str()) == 0);
    ENSURE(mbedtls_x509write_crt_set_validity(&certificate, "20200101000000", x509_time(not_after).c_str()) ==
           0);
    std::array<unsigned char, 4096> pem{};
    ENSURE(mbedtls_x509write_crt_pem(&certificate, pem.data(), pem.size(), random, nullptr) == 0);
    certificate_ = reinterpret_cast<const char*>(pem.data());
    mbedtls_mpi_free(&serial);
    mbedtls_x509write_crt_free(&certificate);
  }

  static void replace(const std::string& path, const std::string& text) {
    const std::string aside = path + ".new";
    std::ofstream(aside) << text;
    std::filesystem::permissions(aside,
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    std::filesystem::rename(aside, path);
  }

  std::string key_;
  std::string certificate_;
};

}  // namespace outrider
