// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/secure/secret_file.h"

namespace outrider {

/// One thing in a PEM file, as a view into its text.
struct PemEntry {
  std::string_view label;  ///< "CERTIFICATE", "EC PRIVATE KEY".
  std::string_view text;   ///< From "-----BEGIN " to the end of the END line's dashes.

  bool is_certificate() const;
  bool is_request() const;
  /// Whatever its format, also one with a password.
  bool is_private_key() const;
};

/// The things of a file in their order; text around them does not matter. An entry without its end is not one.
/// Source  RFC 7468.
std::vector<PemEntry> pem_entries(std::string_view text);

/// What somebody put into a file where something else belongs: "a certificate", "a private key with a password"; empty when
/// there is nothing in PEM form.
std::string what_is_in(std::string_view text);

/// `der` as PEM. No copy of it stays in memory.
SecretText to_pem(std::string_view label, const SecretText& der);

}  // namespace outrider
