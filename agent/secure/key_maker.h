// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/secure/secret_file.h"
#include "agent/secure/subject_text.h"

namespace outrider {

enum class KeyType : std::uint8_t { kEcP256, kRsa2048, kRsa3072 };

/// A new private key in PEM form: SEC 1 for EC, PKCS #1 for RSA, both without a password.
///
/// Units   RSA takes seconds on a small device, EC P-256 milliseconds.
/// Errors  kRetry: the system gives no random numbers.
Result<SecretText> make_private_key(KeyType type);

/// Who asks for a certificate, and for which names.
struct RequestOptions {
  std::vector<SubjectPart> subject;
  std::vector<AlternativeName> names;
};

/// A request for a certificate (PKCS #10, PEM), signed by the key in this file with SHA-256.
///
/// Errors  kReject: the file cannot be used, why, and what would mend it.
Result<std::string> make_request(const std::string& key_path, const RequestOptions& options);

}  // namespace outrider
