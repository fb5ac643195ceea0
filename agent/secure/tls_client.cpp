// SPDX-License-Identifier: Apache-2.0
#include "agent/secure/tls_client.h"

#include <algorithm>

#include "agent/base/log.h"
#include "agent/secure/credentials.h"
#include "agent/secure/tls_channel.h"

namespace outrider {
namespace {

/// nullopt when this mbedTLS can do what the options want.
std::optional<std::string> lacking(const TlsOptions& options) {
  if (options.minimum_version == TlsVersion::k12 || kHasTls13) return std::nullopt;
  return "is 1.3, but this build's mbedTLS " MBEDTLS_VERSION_STRING
         " speaks TLS 1.2 at most; write \"1.2\", or build with mbedTLS 3.6";
}

class TlsClient final : public SecureClient {
 public:
  Result<std::unique_ptr<SecureChannel>> open(const BrokerAddress& address,
                                              const TlsOptions& options) override {
    if (const auto lack = lacking(options)) return reject("tls.minimum_version " + *lack);
    if (options != options_) credentials_.reset();
    options_ = options;
    if (const Status fresh = refresh(); !fresh) {
      if (!credentials_) return fresh.error();
      log_warning("link.files", fresh.error().text + "; what was read before stays in use");
    }
    TlsPeer peer = peer_of(address);
    std::string session_key = address.text() + " " + peer.server_name + " " + credentials_->fingerprint;
    return TlsChannel::make({.credentials = credentials_,
                             .sessions = sessions_,
                             .options = options_,
                             .peer = std::move(peer),
                             .session_key = std::move(session_key)});
  }

 private:
  /// Parsing the CAs of the world takes a while, so it is done only when something has changed.
  Status refresh() {
    const Result<TlsFiles> files = TlsFiles::read(options_);
    if (!files) return files.error();
    if (credentials_ && credentials_->fingerprint == files->fingerprint()) return ok();
    Result<std::shared_ptr<Credentials>> parsed = Credentials::parse(options_, *files);
    if (!parsed) return parsed.error();
    if (credentials_)
      log_info("link.files", "the files of the TLS connection have changed and were read again");
    credentials_ = std::move(*parsed);
    return ok();
  }

  TlsPeer peer_of(const BrokerAddress& address) const {
    std::string protocols;
    for (const std::string& each : options_.alpn) protocols += (protocols.empty() ? "" : ", ") + each;
    return {.server_name = options_.server_name.empty() ? address.host : options_.server_name,
            .ca = options_.ca.empty() ? kSystemAuthorities : options_.ca,
            .crl = options_.crl,
            .has_own = credentials_->has_own,
            .own_subject = credentials_->own_info.subject,
            .own_issuer = credentials_->own_info.issuer,
            .alpn = protocols};
  }

  TlsOptions options_;
  std::shared_ptr<Credentials> credentials_;  // of options_; channels of before may still hold earlier ones
  const std::shared_ptr<SessionMemory> sessions_ = std::make_shared<SessionMemory>();
};

/// When the certificate was or will be good, if it is not good now or not for long.
std::optional<std::string> validity_problem(const CertificateInfo& certificate, WallTime now) {
  constexpr std::chrono::hours kSoon{24 * 30};
  if (!is_clock_plausible(now)) return std::nullopt;
  const std::string about = "the certificate \"" + certificate.subject + "\" ";
  if (now < certificate.not_before) return about + "is not valid before " + iso_time(certificate.not_before);
  if (now > certificate.not_after)
    return about + "expired at " + iso_time(certificate.not_after) + "; it must be renewed";
  if (certificate.not_after - now < kSoon)
    return about + "expires soon, at " + iso_time(certificate.not_after) + "; renew it before that";
  return std::nullopt;
}

void examine_times(const TlsOptions& options, const Credentials& credentials, WallTime now,
                   std::vector<TlsFinding>& findings) {
  if (credentials.own.get()->raw.p != nullptr)
    if (const auto problem = validity_problem(credentials.own_info, now))
      findings.push_back({"certificate", *problem, true});
  const mbedtls_x509_crl& crl = *credentials.revocations.get();
  if (!options.crl.empty() && crl.raw.p != nullptr && crl.next_update.year != 0 &&
      wall_time_of(crl.next_update) < now)
    findings.push_back({"crl",
                        "the list of revoked certificates " + options.crl + " is out of date since " +
                            iso_time(wall_time_of(crl.next_update)) + ", so no broker of this CA is trusted",
                        true});
  if (options.ca.empty() || credentials.authorities.get()->raw.p == nullptr) return;
  for (const mbedtls_x509_crt* each = credentials.authorities.get(); each != nullptr; each = each->next)
    if (const auto problem = validity_problem(describe(*each), now))
      findings.push_back({"ca", *problem, true});
}

}  // namespace

std::unique_ptr<SecureClient> make_tls_client() { return std::make_unique<TlsClient>(); }

std::vector<TlsFinding> examine_tls(const TlsOptions& options, WallTime now) {
  std::vector<TlsFinding> findings;
  if (const auto lack = lacking(options)) findings.push_back({"minimum_version", *lack, false});
  TlsFiles files;
  Credentials credentials;
  (void)start_crypto();
  for (const TlsPart& part : tls_parts()) {
    if (is_credential(options.*part.path) && !has_credentials()) {
      findings.push_back({part.option, "only the service can look at " + options.*part.path, true});
      continue;
    }
    Status good = part.read(options, files);
    if (good) good = part.parse(options, files, credentials);
    if (!good) findings.push_back({part.option, good.error().text, false});
  }
  examine_times(options, credentials, now, findings);
  return findings;
}

}  // namespace outrider
