// SPDX-License-Identifier: Apache-2.0
#include "agent/secure/digest.h"

#include <mbedtls/sha256.h>
#include <mbedtls/version.h>

#include <array>

namespace outrider {

std::string sha256(std::string_view text) {
  std::array<unsigned char, 32> hash{};
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  constexpr int kIsSha224 = 0;
#if MBEDTLS_VERSION_MAJOR >= 3
  const int failed = mbedtls_sha256(bytes, text.size(), hash.data(), kIsSha224);
#else
  const int failed = mbedtls_sha256_ret(bytes, text.size(), hash.data(), kIsSha224);
#endif
  if (failed != 0) return std::string(2 * hash.size(), '0');  // only a hardware accelerator can fail
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string digits;
  for (const unsigned char byte : hash) {
    digits += kHex[byte >> 4];
    digits += kHex[byte & 15];
  }
  return digits;
}

std::string short_digest(std::string_view text) { return sha256(text).substr(0, 16); }

std::string mbedtls_version() {
  std::array<char, 16> text{};
  mbedtls_version_get_string(text.data());
  return text.data();
}

}  // namespace outrider
