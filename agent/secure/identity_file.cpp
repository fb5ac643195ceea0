// SPDX-License-Identifier: Apache-2.0
#include "agent/secure/identity_file.h"

#include <algorithm>

#include "agent/secure/pem.h"
#include "agent/secure/private_key.h"

namespace outrider {
namespace {

constexpr const char* kFile = "the file";

Error refuse(const std::string& path, const std::string& why) {
  return retry(std::string(kFile) + " " + path + " " + why);
}

/// 0, or the code of mbedTLS.
int read_certificate(const SecretText& text, IdentityPart& part) {
  OwnedCertificates certificate;
  const int code = mbedtls_x509_crt_parse(certificate.get(), text.data(), text.parse_size());
  if (code != 0) return code;
  part = {.kind = IdentityPart::Kind::kCertificate,
          .key_kind = key_kind(certificate.get()->pk),
          .key_digest = public_key_digest(certificate.get()->pk),
          .certificate = describe(*certificate.get())};
  return 0;
}

int read_request(const SecretText& text, IdentityPart& part) {
  OwnedRequest request;
  const int code = mbedtls_x509_csr_parse(request.get(), text.data(), text.parse_size());
  if (code != 0) return code;
  part = {.kind = IdentityPart::Kind::kRequest,
          .key_kind = key_kind(request.get()->pk),
          .key_digest = public_key_digest(request.get()->pk),
          .certificate = {}};
  part.certificate.subject = text_of(request.get()->subject);
  return 0;
}

Status read_key(const SecretText& text, const std::string& path, IdentityPart& part) {
  if (Status is_private = check_private(path, kPrivateKey); !is_private) return is_private;
  Random random;
  OwnedKey key;
  if (Status parsed = parse_private_key(text, path, key, random); !parsed) return parsed;
  part = {.kind = IdentityPart::Kind::kPrivateKey,
          .key_kind = key_kind(*key.get()),
          .key_digest = public_key_digest(*key.get()),
          .certificate = {}};
  return ok();
}

Status read_entry(const PemEntry& entry, const std::string& path, std::vector<IdentityPart>& parts) {
  SecretText text(entry.text.size());
  std::copy(entry.text.begin(), entry.text.end(), text.data());
  IdentityPart part;
  int code = 0;
  if (entry.is_private_key()) {
    if (Status read = read_key(text, path, part); !read) return read;
  } else if (entry.is_certificate()) {
    code = read_certificate(text, part);
  } else if (entry.is_request()) {
    code = read_request(text, part);
  } else {
    return ok();
  }
  if (code != 0)
    return refuse(path, "holds " + what_is_in(entry.text) + " that cannot be read: " + mbedtls_text(code));
  parts.push_back(std::move(part));
  return ok();
}

/// A file in DER form is one thing, and does not say which.
Status read_der(const SecretText& text, const std::string& path, std::vector<IdentityPart>& parts) {
  IdentityPart part;
  if (read_certificate(text, part) != 0 && read_request(text, part) != 0) {
    Random random;
    OwnedKey key;
    if (!parse_private_key(text, path, key, random)) return ok();
    if (Status read = read_key(text, path, part); !read) return read;
  }
  parts.push_back(std::move(part));
  return ok();
}

}  // namespace

Result<std::vector<IdentityPart>> look_at_identity(const std::string& path) {
  if (const int code = start_crypto(); code != 0)
    return retry("mbedTLS does not start: " + mbedtls_text(code));
  const Result<SecretText> text = read_secret_file(path, kFile);
  if (!text) return text.error();
  std::vector<IdentityPart> parts;
  if (!text->is_pem())
    if (const Status read = read_der(*text, path, parts); !read) return read.error();
  for (const PemEntry& entry : pem_entries(text->view()))
    if (const Status read = read_entry(entry, path, parts); !read) return read.error();
  if (!parts.empty()) return parts;
  const std::string found = what_is_in(text->view());
  return refuse(path, "holds no certificate, request or private key in PEM or DER form" +
                          (found.empty() ? "" : ", but " + found));
}

}  // namespace outrider
