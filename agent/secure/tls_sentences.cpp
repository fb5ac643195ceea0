// SPDX-License-Identifier: Apache-2.0
#include "agent/secure/tls_sentences.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "agent/secure/mbedtls_compat.h"

namespace outrider {
namespace {

constexpr std::uint32_t kTimeFlags = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE |
                                     MBEDTLS_X509_BADCRL_EXPIRED | MBEDTLS_X509_BADCRL_FUTURE;
constexpr std::uint32_t kWeakFlags =
    MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK | MBEDTLS_X509_BADCERT_BAD_KEY;
constexpr std::uint32_t kUsageFlags =
    MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE | MBEDTLS_X509_BADCERT_NS_CERT_TYPE;

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

std::string to_the_second(WallTime time) { return iso_time(time).substr(0, 19) + "Z"; }

std::string whose(const CertificateFault& fault) {
  const std::string subject = quoted(fault.certificate.subject);
  return fault.depth == 0 ? "the broker's certificate " + subject
                          : "the CA certificate above the broker's, " + subject + ",";
}

std::string names_text(const CertificateInfo& certificate) {
  constexpr std::size_t kEnough = 5;
  std::string text;
  for (std::size_t i = 0; i < certificate.names.size() && i < kEnough; ++i)
    text += (text.empty() ? "" : ", ") + certificate.names[i];
  if (certificate.names.size() > kEnough) text += ", …";
  return text.empty() ? certificate.subject : text;
}

std::string not_trusted(const CertificateFault& fault, const TlsPeer& peer) {
  const CertificateInfo& certificate = fault.certificate;
  if (certificate.subject == certificate.issuer && fault.depth > 0)
    return "the broker's certificate comes from the CA " + quoted(certificate.subject) +
           ", which is not in " + peer.ca + "; is tls.ca the CA of this broker?";
  if (certificate.subject == certificate.issuer)
    return whose(fault) + " is signed by itself and not in " + peer.ca +
           "; if it is the right one, put it there (tls.ca)";
  return whose(fault) + " was issued by " + quoted(certificate.issuer) + ", and no such CA is in " + peer.ca +
         "; is tls.ca the CA of this broker?";
}

std::string wrong_name(const CertificateFault& fault, const TlsPeer& peer) {
  return "the broker's certificate is for " + names_text(fault.certificate) + ", not for " +
         quoted(peer.server_name) +
         "; connect by a name that it is for, or give that name as tls.server_name";
}

std::string expired(const CertificateFault& fault, WallTime now) {
  return whose(fault) + " expired at " + to_the_second(fault.certificate.not_after) + "; our clock says " +
         to_the_second(now);
}

std::string too_early(const CertificateFault& fault, WallTime now) {
  return whose(fault) + " is not valid before " + to_the_second(fault.certificate.not_before) +
         "; our clock says " + to_the_second(now);
}

std::string sentence_of(std::uint32_t flag, const CertificateFault& fault, const TlsPeer& peer,
                        WallTime now) {
  if (flag == MBEDTLS_X509_BADCERT_NOT_TRUSTED) return not_trusted(fault, peer);
  if (flag == MBEDTLS_X509_BADCERT_REVOKED) return whose(fault) + " is revoked, says " + peer.crl;
  if (flag == MBEDTLS_X509_BADCERT_EXPIRED) return expired(fault, now);
  if (flag == MBEDTLS_X509_BADCERT_FUTURE) return too_early(fault, now);
  if (flag == MBEDTLS_X509_BADCERT_CN_MISMATCH) return wrong_name(fault, peer);
  if (flag == MBEDTLS_X509_BADCRL_EXPIRED)
    return "the list of revoked certificates " + peer.crl + " is out of date; fetch the next one of this CA";
  if (flag == MBEDTLS_X509_BADCRL_FUTURE)
    return "the list of revoked certificates " + peer.crl + " is from the future; our clock says " +
           to_the_second(now);
  if (flag == MBEDTLS_X509_BADCRL_NOT_TRUSTED)
    return "the list of revoked certificates " + peer.crl + " is not signed by the CA that it is for";
  if (flag == kWeakFlags)
    return whose(fault) +
           " is signed with an algorithm or has a key that is too weak; needed are SHA-256 and "
           "RSA 2048 or EC P-256 at least";
  if (flag == kUsageFlags) return whose(fault) + " is not made for a TLS server (key usage)";
  std::array<char, 256> text{};
  (void)mbedtls_x509_crt_verify_info(text.data(), text.size(), " ", fault.flags);
  return whose(fault) + " is no good:" + text.data();
}

/// The worst first: a certificate of somebody else's CA may well have a wrong name, too.
constexpr std::array kByWeight{std::uint32_t{MBEDTLS_X509_BADCERT_NOT_TRUSTED},
                               std::uint32_t{MBEDTLS_X509_BADCERT_REVOKED},
                               kWeakFlags,
                               kUsageFlags,
                               std::uint32_t{MBEDTLS_X509_BADCERT_EXPIRED},
                               std::uint32_t{MBEDTLS_X509_BADCERT_FUTURE},
                               std::uint32_t{MBEDTLS_X509_BADCERT_CN_MISMATCH},
                               std::uint32_t{MBEDTLS_X509_BADCRL_NOT_TRUSTED},
                               std::uint32_t{MBEDTLS_X509_BADCRL_EXPIRED},
                               std::uint32_t{MBEDTLS_X509_BADCRL_FUTURE},
                               ~std::uint32_t{0}};

std::string refused_us(const std::string& why, const TlsPeer& peer) {
  return "the broker refused our certificate " + quoted(peer.own_subject) + ", issued by " +
         quoted(peer.own_issuer) + ": " + why;
}

struct Alert {
  int number;
  const char* about_us;   ///< Why it refused our certificate; nullptr: it is about something else.
  const char* otherwise;  ///< When we have shown none; nullptr: it demands one.
};

constexpr Alert kAlerts[] = {
    {40, "it does not say why (handshake_failure)", nullptr},
    {42, "it is damaged (bad_certificate)", nullptr},
    {43, "it is of an unknown kind (unsupported_certificate)", nullptr},
    {44, "it is revoked", nullptr},
    {45, "it has expired, or is not valid yet by the broker's clock", nullptr},
    {46, "it does not say why (certificate_unknown)", nullptr},
    {48, "it does not know that CA (unknown_ca)", nullptr},
    {49, "access denied", nullptr},
    {51, "its signature does not hold (decrypt_error)", nullptr},
    {116, "it saw none (certificate_required)", nullptr},
    {70, nullptr,
     "the broker speaks no version of TLS that we allow; it needs 1.2 at least (tls.minimum_version)"},
    {71, nullptr, "the broker demands stronger cryptography than we have (insufficient_security)"},
    {80, nullptr, "the broker has an internal error (internal_error)"},
    {112, nullptr, "the broker does not know the name that we asked for (unrecognized_name)"},
    {120, nullptr, "the broker speaks none of the protocols that we offer (tls.alpn)"},
};

}  // namespace

LinkFailure certificate_failure(const std::vector<CertificateFault>& faults, const TlsPeer& peer,
                                WallTime now) {
  std::uint32_t all = 0;
  for (const CertificateFault& fault : faults) all |= fault.flags;
  const bool is_time_to_blame = (all & ~kTimeFlags) == 0 && !is_clock_plausible(now);
  for (const std::uint32_t flag : kByWeight) {
    const auto bad = std::find_if(faults.begin(), faults.end(), [flag](const CertificateFault& fault) {
      return (fault.flags & flag) != 0;
    });
    if (bad == faults.end()) continue;
    const std::string sentence = sentence_of(flag, *bad, peer, now);
    if (is_time_to_blame) return {"waiting for the time: " + sentence, LinkFault::kTime};
    return {sentence, LinkFault::kServerCertificate};
  }
  return {"the broker's certificate was refused", LinkFault::kServerCertificate};
}

LinkFailure alert_failure(int alert, bool has_seen_server, const TlsPeer& peer) {
  constexpr int kHandshakeFailure = 40;
  const auto* const known = std::find_if(std::begin(kAlerts), std::end(kAlerts),
                                         [alert](const Alert& a) { return a.number == alert; });
  if (known == std::end(kAlerts))
    return {"the broker ended the TLS handshake with alert " + std::to_string(alert), LinkFault::kHandshake};
  if (known->otherwise != nullptr) {
    const bool is_about_name = alert == 112 || alert == 120;
    const std::string asked = alert == 112 ? peer.server_name : peer.alpn;
    return {known->otherwise + (is_about_name ? ": " + quoted(asked) : ""), LinkFault::kHandshake};
  }
  if (alert == kHandshakeFailure && !has_seen_server)
    return {
        "the broker and we have no version of TLS or no cipher in common; it needs TLS 1.2 at least, and "
        "ECDHE with AES-GCM or ChaCha20-Poly1305",
        LinkFault::kHandshake};
  if (!peer.has_own)
    return {"the broker demands a certificate of ours; set tls.certificate and tls.key",
            LinkFault::kOwnCertificate};
  return {refused_us(known->about_us, peer), LinkFault::kOwnCertificate};
}

}  // namespace outrider
