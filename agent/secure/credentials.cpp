// SPDX-License-Identifier: Apache-2.0
#include "agent/secure/credentials.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "agent/secure/digest.h"
#include "agent/secure/pem.h"
#include "agent/secure/private_key.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostCaFiles = 1000;
constexpr const char* kCa = "the CA file";
constexpr const char* kCrl = "the list of revoked certificates";
constexpr const char* kCertificate = "the certificate";

Error refuse(const char* what, const std::string& path, const std::string& why) {
  return retry(std::string(what) + " " + path + " " + why);
}

Status read_into(std::optional<SecretText>& text, const std::string& path, const char* what) {
  if (path.empty()) return ok();
  Result<SecretText> read = read_secret_file(path, what);
  if (!read) return read.error();
  text.emplace(std::move(*read));
  return ok();
}

/// Whatever in a directory looks like a certificate; links of hashed names lead to the same files once more.
Status read_ca_directory(TlsFiles& files) {
  std::error_code problem;
  std::vector<fs::path> paths;
  for (const fs::directory_entry& entry : fs::directory_iterator(files.ca_path, problem))
    if (entry.is_regular_file(problem) && !entry.is_symlink(problem) && paths.size() < kMostCaFiles)
      paths.push_back(entry.path());
  if (paths.empty()) {  // a directory of links only, such as /etc/ssl/certs
    for (const fs::directory_entry& entry : fs::directory_iterator(files.ca_path, problem))
      if (entry.is_regular_file(problem) && paths.size() < kMostCaFiles) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  for (const fs::path& path : paths) {
    Result<SecretText> text = read_secret_file(path.string(), kCa);
    if (text && text->view().find("-----BEGIN CERTIFICATE-----") != std::string_view::npos)
      files.ca.push_back(std::move(*text));
  }
  if (files.ca.empty())
    return refuse("the CA directory", files.ca_path, "holds no file with a certificate in PEM form");
  return ok();
}

Status read_ca(const TlsOptions& options, TlsFiles& files) {
  files.ca_path = options.ca.empty() ? kSystemAuthorities : options.ca;
  std::error_code problem;
  if (fs::is_directory(files.ca_path, problem)) return read_ca_directory(files);
  Result<SecretText> text = read_secret_file(files.ca_path, kCa);
  if (!text && options.ca.empty())
    return retry(text.error().text + "; install ca-certificates, or name the CA of your broker as tls.ca");
  if (!text) return text.error();
  files.ca.push_back(std::move(*text));
  return ok();
}

Status parse_ca(const TlsOptions&, const TlsFiles& files, Credentials& credentials) {
  int unreadable = 0;
  for (const SecretText& text : files.ca) {
    const int code = mbedtls_x509_crt_parse(credentials.authorities.get(), text.data(), text.parse_size());
    if (code != 0) unreadable = code;
  }
  if (credentials.authorities.get()->raw.p != nullptr) return ok();
  // A positive code counts certificates of a kind that this mbedTLS does not know.
  return refuse(kCa, files.ca_path,
                unreadable > 0 ? "holds only certificates of unknown kinds"
                               : "holds no certificate in PEM or DER form: " + mbedtls_text(unreadable));
}

Status read_crl(const TlsOptions& options, TlsFiles& files) {
  return read_into(files.crl, options.crl, kCrl);
}

Status parse_crl(const TlsOptions& options, const TlsFiles& files, Credentials& credentials) {
  if (!files.crl) return ok();
  const int code =
      mbedtls_x509_crl_parse(credentials.revocations.get(), files.crl->data(), files.crl->parse_size());
  if (code == 0) return ok();
  return refuse(kCrl, options.crl, "is none (PEM \"X509 CRL\", or DER): " + mbedtls_text(code));
}

Status read_certificate(const TlsOptions& options, TlsFiles& files) {
  return read_into(files.certificate, options.certificate, kCertificate);
}

Status parse_certificate(const TlsOptions& options, const TlsFiles& files, Credentials& credentials) {
  if (!files.certificate) return ok();
  const int code = mbedtls_x509_crt_parse(credentials.own.get(), files.certificate->data(),
                                          files.certificate->parse_size());
  if (code > 0)
    return refuse(kCertificate, options.certificate,
                  "has " + std::to_string(code) + " parts that are no certificates that we can read");
  const std::string found = what_is_in(files.certificate->view());
  if (code != 0)
    return refuse(
        kCertificate, options.certificate,
        "is none in PEM or DER form" + (found.empty() ? "" : ", but " + found) + ": " + mbedtls_text(code));
  credentials.own_info = describe(*credentials.own.get());
  return ok();
}

Status read_key(const TlsOptions& options, TlsFiles& files) {
  if (options.key.empty()) return ok();
  if (Status is_private = check_private(options.key, kPrivateKey); !is_private) return is_private;
  return read_into(files.key, options.key, kPrivateKey);
}

Status parse_own_key(const TlsOptions& options, const TlsFiles& files, Credentials& credentials) {
  if (!files.key) return ok();
  Random random;
  if (Status parsed = parse_private_key(*files.key, options.key, credentials.key, random); !parsed)
    return parsed;
  if (!files.certificate) return ok();
  if (check_pair(credentials.own.get()->pk, *credentials.key.get(), random) != 0)
    return refuse(kPrivateKey, options.key, "does not belong to the certificate " + options.certificate);
  credentials.has_own = true;
  return ok();
}

}  // namespace

const std::array<TlsPart, 4>& tls_parts() {
  static constexpr std::array<TlsPart, 4> kParts{
      {{"ca", &TlsOptions::ca, read_ca, parse_ca},
       {"crl", &TlsOptions::crl, read_crl, parse_crl},
       {"certificate", &TlsOptions::certificate, read_certificate, parse_certificate},
       {"key", &TlsOptions::key, read_key, parse_own_key}}};
  return kParts;
}

Result<TlsFiles> TlsFiles::read(const TlsOptions& options) {
  TlsFiles files;
  for (const TlsPart& part : tls_parts())
    if (const Status read = part.read(options, files); !read) return read.error();
  return files;
}

std::string TlsFiles::fingerprint() const {
  std::string all;
  for (const SecretText& text : ca) all += short_digest(text.view());
  for (const auto* text : {&crl, &certificate, &key}) all += *text ? short_digest((*text)->view()) : "-";
  return all;
}

Result<CertificateInfo> own_certificate(const TlsOptions& options) {
  if (const int code = start_crypto(); code != 0)
    return retry("mbedTLS does not start: " + mbedtls_text(code));
  TlsOptions own;
  own.certificate = options.certificate;
  own.key = options.key;
  TlsFiles files;
  Credentials credentials;
  for (const TlsPart& part : tls_parts()) {
    if ((own.*part.path).empty()) continue;
    Status good = part.read(own, files);
    if (good) good = part.parse(own, files, credentials);
    if (!good) return good.error();
  }
  return credentials.own_info;
}

Result<std::shared_ptr<Credentials>> Credentials::parse(const TlsOptions& options, const TlsFiles& files) {
  if (const int code = start_crypto(); code != 0)
    return retry("mbedTLS does not start: " + mbedtls_text(code));
  auto credentials = std::make_shared<Credentials>();
  for (const TlsPart& part : tls_parts())
    if (const Status parsed = part.parse(options, files, *credentials); !parsed) return parsed.error();
  credentials->fingerprint = files.fingerprint();
  return credentials;
}

}  // namespace outrider
