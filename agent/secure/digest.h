// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace outrider {

/// SHA-256 in lower-case hex digits; of a certificate in DER form it is what others call its fingerprint.
std::string sha256(std::string_view bytes);

/// First 16 hex digits of SHA-256: names a catalogue of signals. 64 bits: two of a fleet's catalogues never
/// collide by accident, and nothing relies on it against intent.
std::string short_digest(std::string_view text);

std::string mbedtls_version();

}  // namespace outrider
