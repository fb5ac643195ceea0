// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/ports/tls_options.h"
#include "agent/secure/certificate.h"
#include "agent/secure/mbedtls_compat.h"
#include "agent/secure/secret_file.h"

namespace outrider {

/// What we trust when no CA is named: Debian and its derivatives, OpenEmbedded.
inline constexpr const char* kSystemAuthorities = "/etc/ssl/certs/ca-certificates.crt";

/// The files of some options, as they are at this moment.
struct TlsFiles {
  std::string ca_path;
  std::vector<SecretText> ca;
  std::optional<SecretText> crl;
  std::optional<SecretText> certificate;
  std::optional<SecretText> key;

  /// Errors  kRetry: the first file that is missing or no good, and why.
  static Result<TlsFiles> read(const TlsOptions& options);
  /// The same for the same contents.
  std::string fingerprint() const;
};

/// What we trust and who we are, ready for mbedTLS. Made once per set of files; many channels may use it.
struct Credentials {
  OwnedCertificates authorities;
  OwnedRevocations revocations;
  OwnedCertificates own;  ///< Ours, then its intermediates; empty unless `has_own`.
  OwnedKey key;
  bool has_own = false;
  CertificateInfo own_info;
  std::string fingerprint;

  /// Errors  as `TlsFiles::read`.
  static Result<std::shared_ptr<Credentials>> parse(const TlsOptions& options, const TlsFiles& files);
};

/// The certificate of the options, when its key belongs to it; nothing else is read.
/// Errors  as `TlsFiles::read`.
Result<CertificateInfo> own_certificate(const TlsOptions& options);

/// One file of the options: how to read it, and what to make of it. What is not configured is fine.
struct TlsPart {
  const char* option;  ///< "ca": the key in the configuration.
  std::string TlsOptions::*path;
  Status (*read)(const TlsOptions& options, TlsFiles& files);
  Status (*parse)(const TlsOptions& options, const TlsFiles& files, Credentials& credentials);
};
/// In the order in which they must be parsed.
const std::array<TlsPart, 4>& tls_parts();

}  // namespace outrider
