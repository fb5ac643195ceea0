// SPDX-License-Identifier: Apache-2.0
#include "agent/secure/private_key.h"

#include <mbedtls/ecp.h>

#include <array>

#include "agent/secure/certificate.h"
#include "agent/secure/digest.h"
#include "agent/secure/pem.h"

namespace outrider {
namespace {

Error refuse(const std::string& path, const std::string& why) {
  return retry(std::string(kPrivateKey) + " " + path + " " + why);
}

}  // namespace

Status parse_private_key(const SecretText& text, const std::string& path, OwnedKey& key, Random& random) {
  if (const int code = random.seed(); code != 0)
    return retry("the system gives no random numbers: " + mbedtls_text(code));
  const int code = parse_key(key.get(), text.data(), text.parse_size(), random);
  if (code == 0) return ok();
  const std::string found = what_is_in(text.view());
  if (code == MBEDTLS_ERR_PK_PASSWORD_REQUIRED || found == "a private key with a password")
    return refuse(
        path,
        "has a password, which nobody could type into a device; store it without one: openssl pkey -in "
        "FILE -out FILE");
  return refuse(path, "is none in PEM or DER form" + (found.empty() ? "" : ", but " + found) + ": " +
                          mbedtls_text(code));
}

Status load_private_key(const std::string& path, OwnedKey& key, Random& random) {
  if (Status is_private = check_private(path, kPrivateKey); !is_private) return is_private;
  const Result<SecretText> text = read_secret_file(path, kPrivateKey);
  if (!text) return text.error();
  return parse_private_key(*text, path, key, random);
}

std::string key_kind(const mbedtls_pk_context& key) {
  const std::string bits = std::to_string(mbedtls_pk_get_bitlen(&key));
  if (mbedtls_pk_can_do(&key, MBEDTLS_PK_RSA) != 0) return "RSA " + bits;
  if (mbedtls_pk_can_do(&key, MBEDTLS_PK_ECKEY) == 0)
    return std::string(mbedtls_pk_get_name(&key)) + " " + bits;
  switch (curve_of(key)) {
    case MBEDTLS_ECP_DP_SECP256R1:
    case MBEDTLS_ECP_DP_SECP384R1:
    case MBEDTLS_ECP_DP_SECP521R1:
      return "EC P-" + bits;  // as NIST calls them
    default:
      break;
  }
  const mbedtls_ecp_curve_info* const curve = mbedtls_ecp_curve_info_from_grp_id(curve_of(key));
  return curve != nullptr ? std::string("EC ") + curve->name : "EC " + bits;
}

std::string public_key_digest(const mbedtls_pk_context& key) {
  std::array<unsigned char, 4096> der{};  // RSA of 16384 bits has 2 KB
  auto copy = key;                        // written by a function that takes no const, and changes nothing
  const int size = mbedtls_pk_write_pubkey_der(&copy, der.data(), der.size());
  if (size <= 0) return {};
  const auto length = static_cast<std::size_t>(size);
  return sha256({reinterpret_cast<const char*>(der.data() + der.size() - length), length});
}

}  // namespace outrider
