// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/base/time.h"
#include "agent/ports/secure_channel.h"
#include "agent/secure/certificate.h"

namespace outrider {

/// Whom a channel is for, as far as sentences about it need to know.
struct TlsPeer {
  std::string server_name;  ///< That the certificate must be for.
  std::string ca;           ///< File or directory of those we trust.
  std::string crl;          ///< File; empty: none.
  bool has_own = false;     ///< We have a certificate.
  std::string own_subject;
  std::string own_issuer;
  std::string alpn;  ///< "mqtt, x-amzn-mqtt-ca"
};

/// What mbedTLS found wrong with one certificate of the server's chain.
struct CertificateFault {
  int depth = 0;  ///< 0: the server's own; 1: who signed that; …
  std::uint32_t flags = 0;
  CertificateInfo certificate;
};

/// Why we do not trust the server: the worst of what was found.
LinkFailure certificate_failure(const std::vector<CertificateFault>& faults, const TlsPeer& peer,
                                WallTime now);

/// What the server said instead of going on. `has_seen_server`: it had shown its certificate before.
/// Source   RFC 8446 section 6, RFC 5246 section 7.2.
LinkFailure alert_failure(int alert, bool has_seen_server, const TlsPeer& peer);

}  // namespace outrider
