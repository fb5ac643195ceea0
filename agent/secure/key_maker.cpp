// SPDX-License-Identifier: Apache-2.0
#include "agent/secure/key_maker.h"

#include <mbedtls/ecp.h>
#include <mbedtls/oid.h>
#include <mbedtls/rsa.h>

#include <algorithm>
#include <array>

#include "agent/secure/certificate.h"
#include "agent/secure/pem.h"
#include "agent/secure/private_key.h"

namespace outrider {
namespace {

constexpr std::size_t kMostKeyBytes = 4096;       // RSA 3072 has 1.8 KB
constexpr std::size_t kMostRequestBytes = 65536;  // 32 names of a kilobyte, and all the rest
constexpr std::size_t kMostNames = 32;

int make_ec(mbedtls_pk_context* key, Random& random) {
  if (const int code = mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)); code != 0)
    return code;
  return mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key), Random::kFunction,
                             random.state());
}

int make_rsa(mbedtls_pk_context* key, unsigned bits, Random& random) {
  constexpr int kExponent = 65537;
  if (const int code = mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_RSA)); code != 0)
    return code;
  return mbedtls_rsa_gen_key(mbedtls_pk_rsa(*key), Random::kFunction, random.state(), bits, kExponent);
}

int make_key(KeyType type, mbedtls_pk_context* key, Random& random) {
  if (type == KeyType::kEcP256) return make_ec(key, random);
  return make_rsa(key, type == KeyType::kRsa2048 ? 2048 : 3072, random);
}

/// mbedTLS writes DER to the end of a buffer: the last `size` bytes of it, on their own.
SecretText tail_of(const SecretText& buffer, std::size_t size) {
  SecretText tail(size);
  const unsigned char* const end = buffer.data() + buffer.size();
  std::copy(end - size, end, tail.data());
  return tail;
}

/// One value of ASN.1 in DER form. Lengths: X.690 section 8.1.3.
std::string der(unsigned tag, std::string_view content) {
  std::string text(1, static_cast<char>(tag));
  const std::size_t size = content.size();
  if (size < 0x80) {
    text += static_cast<char>(size);
  } else {
    const bool is_long = size > 0xFF;
    text += static_cast<char>(is_long ? 0x82 : 0x81);
    if (is_long) text += static_cast<char>(size >> 8U);
    text += static_cast<char>(size & 0xFFU);
  }
  return text.append(content);
}

/// Extension subjectAltName. Source: RFC 5280 section 4.2.1.6.
std::string names_der(const std::vector<AlternativeName>& names) {
  std::string all;
  for (const AlternativeName& name : names)
    all += der(MBEDTLS_ASN1_CONTEXT_SPECIFIC | static_cast<unsigned>(name.kind), name.bytes);
  return der(MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE, all);
}

struct SubjectType {
  std::string_view name;
  std::string_view oid;
  int tag = MBEDTLS_ASN1_UTF8_STRING;
};
constexpr std::array<SubjectType, 7> kSubjectTypes{
    {{"CN", MBEDTLS_OID_AT_CN},
     {"O", MBEDTLS_OID_AT_ORGANIZATION},
     {"OU", MBEDTLS_OID_AT_ORG_UNIT},
     {"C", MBEDTLS_OID_AT_COUNTRY, MBEDTLS_ASN1_PRINTABLE_STRING},
     {"ST", MBEDTLS_OID_AT_STATE},
     {"L", MBEDTLS_OID_AT_LOCALITY},
     {"serialNumber", MBEDTLS_OID_AT_SERIAL_NUMBER, MBEDTLS_ASN1_PRINTABLE_STRING}}};

int add_part(mbedtls_x509write_csr* request, const SubjectPart& part) {
  const auto* const type = std::find_if(kSubjectTypes.begin(), kSubjectTypes.end(),
                                        [&](const SubjectType& each) { return each.name == part.type; });
  if (type == kSubjectTypes.end()) return MBEDTLS_ERR_X509_UNKNOWN_OID;
  mbedtls_asn1_named_data* const entry = mbedtls_asn1_store_named_data(
      subject_of(request), type->oid.data(), type->oid.size(),
      reinterpret_cast<const unsigned char*>(part.value.data()), part.value.size());
  if (entry == nullptr) return MBEDTLS_ERR_X509_ALLOC_FAILED;
  entry->val.tag = type->tag;
  return 0;
}

int fill(mbedtls_x509write_csr* request, const RequestOptions& options, mbedtls_pk_context* key) {
  mbedtls_x509write_csr_set_md_alg(request, MBEDTLS_MD_SHA256);
  mbedtls_x509write_csr_set_key(request, key);
  for (const SubjectPart& part : options.subject)
    if (const int code = add_part(request, part); code != 0) return code;
  if (options.names.empty()) return 0;
  return add_extension(request, MBEDTLS_OID_SUBJECT_ALT_NAME, names_der(options.names));
}

}  // namespace

Result<SecretText> make_private_key(KeyType type) {
  Random random;
  OwnedKey key;
  int code = start_crypto();
  if (code == 0) code = random.seed();
  if (code == 0) code = make_key(type, key.get(), random);
  if (code != 0) return retry("no key could be made: " + mbedtls_text(code));
  SecretText buffer(kMostKeyBytes);
  const int size = mbedtls_pk_write_key_der(key.get(), buffer.data(), buffer.size());
  if (size <= 0) return retry("the new key could not be written down: " + mbedtls_text(size));
  return to_pem(type == KeyType::kEcP256 ? "EC PRIVATE KEY" : "RSA PRIVATE KEY",
                tail_of(buffer, static_cast<std::size_t>(size)));
}

Result<std::string> make_request(const std::string& key_path, const RequestOptions& options) {
  if (options.names.size() > kMostNames)
    return reject("a request has " + std::to_string(kMostNames) + " names at most");
  Random random;
  OwnedKey key;
  OwnedRequestWriter request;
  if (const int code = start_crypto(); code != 0)
    return retry("mbedTLS does not start: " + mbedtls_text(code));
  if (const Status loaded = load_private_key(key_path, key, random); !loaded)
    return reject(loaded.error().text);
  SecretText buffer(kMostRequestBytes);
  int code = fill(request.get(), options, key.get());
  if (code == 0)
    code = mbedtls_x509write_csr_der(request.get(), buffer.data(), buffer.size(), Random::kFunction,
                                     random.state());
  if (code <= 0) return reject("the request could not be made with " + key_path + ": " + mbedtls_text(code));
  return std::string(to_pem("CERTIFICATE REQUEST", tail_of(buffer, static_cast<std::size_t>(code))).view());
}

}  // namespace outrider
