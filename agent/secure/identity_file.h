// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/secure/certificate.h"

namespace outrider {

/// One thing in a file of keys and certificates; nothing of it is secret.
struct IdentityPart {
  enum class Kind : std::uint8_t { kCertificate, kRequest, kPrivateKey };
  Kind kind = Kind::kCertificate;
  std::string key_kind;         ///< "EC P-256".
  std::string key_digest;       ///< SHA-256 of the public key: the same for a key and what belongs to it.
  CertificateInfo certificate;  ///< Of a request only its subject.
};

/// Everything in the file that belongs to an identity, in its order.
///
/// Errors  kRetry: it cannot be read, holds nothing of the kind or something broken, or holds a private key and others may
///         read it.
Result<std::vector<IdentityPart>> look_at_identity(const std::string& path);

}  // namespace outrider
