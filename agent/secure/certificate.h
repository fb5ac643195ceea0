// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"

struct mbedtls_asn1_named_data;
struct mbedtls_x509_crt;
struct mbedtls_x509_time;

namespace outrider {

/// What people want to know of a certificate. The texts hold printable ASCII only, whatever the certificate says.
struct CertificateInfo {
  std::string subject;             ///< "CN=truck-17, O=Example".
  std::string issuer;              ///< The same of who signed it.
  std::vector<std::string> names;  ///< Names and addresses that it is for (subjectAltName).
  WallTime not_before{};
  WallTime not_after{};
  std::string serial;  ///< "1A2B", as the CA counts.
  std::string sha256;  ///< Of all of it, in lower-case hex; AWS IoT calls that the certificate's id.
};

/// All certificates of a PEM text, or the one of a DER text.
///
/// Errors  kReject: a sentence without its subject, "holds no certificate …", to follow the name of the file.
Result<std::vector<CertificateInfo>> parse_certificates(std::string_view text);

/// Before this program existed no clock is right: certificates cannot be judged.
bool is_clock_plausible(WallTime now);

/// Whole days; 0 on the last one, negative when it is over.
std::int64_t days_left(const CertificateInfo& certificate, WallTime now);

/// The rest is for this folder.
std::string text_of(const mbedtls_asn1_named_data& name);
CertificateInfo describe(const mbedtls_x509_crt& certificate);
/// Whether it is for this IPv4 address, "10.0.0.7". mbedTLS 2.28 compares names only.
bool is_for_address(const mbedtls_x509_crt& certificate, std::string_view address);
WallTime wall_time_of(const mbedtls_x509_time& time);
/// "SSL - Verification of the message MAC failed (-0x7180)".
std::string mbedtls_text(int code);

}  // namespace outrider
