// SPDX-License-Identifier: Apache-2.0
// Only for this folder.
#pragma once

#include <string>

#include "agent/base/result.h"
#include "agent/secure/mbedtls_compat.h"
#include "agent/secure/secret_file.h"

namespace outrider {

inline constexpr const char* kPrivateKey = "the private key";

/// `random` is seeded here. `path` is for the sentence only.
/// Errors  kRetry: no key, one with a password, or of a kind that we do not know.
Status parse_private_key(const SecretText& text, const std::string& path, OwnedKey& key, Random& random);

/// The same from a file that nobody else may read.
Status load_private_key(const std::string& path, OwnedKey& key, Random& random);

/// "EC P-256", "RSA 2048".
std::string key_kind(const mbedtls_pk_context& key);

/// SHA-256 of the public half (SubjectPublicKeyInfo): the same for a key, its certificates and their requests.
std::string public_key_digest(const mbedtls_pk_context& key);

}  // namespace outrider
