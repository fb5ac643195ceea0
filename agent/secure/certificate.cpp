// SPDX-License-Identifier: Apache-2.0
#include "agent/secure/certificate.h"

#include <mbedtls/error.h>

#include <array>
#include <cstdio>

#include "agent/secure/digest.h"
#include "agent/secure/mbedtls_compat.h"

namespace outrider {
namespace {

constexpr std::size_t kMostNames = 64;
constexpr std::size_t kIpv4Bytes = 4;
constexpr unsigned kTypeBits = 0x1F;  // of an ASN.1 tag

char printable(unsigned char c) { return c >= 0x20 && c < 0x7F ? static_cast<char>(c) : '?'; }

std::string address_of(const mbedtls_x509_buf& name) {
  std::string text;
  for (std::size_t i = 0; i < name.len; ++i) {
    std::array<char, 4> part{};
    const bool is_ipv4 = name.len == kIpv4Bytes;
    (void)std::snprintf(part.data(), part.size(), is_ipv4 ? "%u" : "%02x", unsigned{name.p[i]});
    const bool is_pair_done = is_ipv4 || i % 2 == 0;
    if (i > 0 && is_pair_done) text += is_ipv4 ? '.' : ':';
    text += part.data();
  }
  return text;
}

unsigned type_of(const mbedtls_x509_buf& name) { return static_cast<unsigned>(name.tag) & kTypeBits; }

std::vector<std::string> names_of(const mbedtls_x509_crt& certificate) {
  std::vector<std::string> names;
  for (const mbedtls_x509_sequence* each = &certificate.subject_alt_names;
       each != nullptr && each->buf.p != nullptr && names.size() < kMostNames; each = each->next) {
    if (type_of(each->buf) == MBEDTLS_X509_SAN_IP_ADDRESS) {
      names.push_back(address_of(each->buf));
    } else if (type_of(each->buf) == MBEDTLS_X509_SAN_DNS_NAME) {
      std::string& name = names.emplace_back();
      for (std::size_t i = 0; i < each->buf.len; ++i) name += printable(each->buf.p[i]);
    }
  }
  return names;
}

std::string hex_of(const mbedtls_x509_buf& number) {
  std::string text;
  for (std::size_t i = 0; i < number.len; ++i) {
    std::array<char, 3> digits{};
    (void)std::snprintf(digits.data(), digits.size(), "%02X", unsigned{number.p[i]});
    text += digits.data();
  }
  return text;
}

}  // namespace

std::string text_of(const mbedtls_x509_name& name) {
  std::array<char, 512> text{};
  const int size = mbedtls_x509_dn_gets(text.data(), text.size(), &name);
  std::string printed;
  for (int i = 0; i < size; ++i)
    printed += printable(static_cast<unsigned char>(text[static_cast<std::size_t>(i)]));
  return size < 0 ? "a name that is too long" : printed;
}

WallTime wall_time_of(const mbedtls_x509_time& time) {
  using namespace std::chrono;
  const sys_days day(year_month_day(year(time.year), month(static_cast<unsigned>(time.mon)),
                                    std::chrono::day(static_cast<unsigned>(time.day))));
  // A certificate may say any year from 0 to 9999; nanoseconds go from 1677 to 2262.
  constexpr auto kEarliest = sys_days(year(1678) / 1 / 1);
  constexpr auto kLatest = sys_days(year(2262) / 1 / 1);
  if (day < kEarliest || day >= kLatest) return day < kEarliest ? kEarliest : kLatest;
  return day + hours(time.hour) + minutes(time.min) + seconds(time.sec);
}

CertificateInfo describe(const mbedtls_x509_crt& certificate) {
  return {.subject = text_of(certificate.subject),
          .issuer = text_of(certificate.issuer),
          .names = names_of(certificate),
          .not_before = wall_time_of(certificate.valid_from),
          .not_after = wall_time_of(certificate.valid_to),
          .serial = hex_of(certificate.serial),
          .sha256 = sha256({reinterpret_cast<const char*>(certificate.raw.p), certificate.raw.len})};
}

bool is_for_address(const mbedtls_x509_crt& certificate, std::string_view address) {
  const mbedtls_x509_sequence* each = &certificate.subject_alt_names;
  for (; each != nullptr && each->buf.p != nullptr; each = each->next)
    if (type_of(each->buf) == MBEDTLS_X509_SAN_IP_ADDRESS && each->buf.len == kIpv4Bytes &&
        address_of(each->buf) == address)
      return true;
  return false;
}

Result<std::vector<CertificateInfo>> parse_certificates(std::string_view text) {
  const std::string terminated(text);  // PEM is parsed with the NUL behind it
  const bool is_pem = text.find("-----BEGIN ") != std::string_view::npos;
  OwnedCertificates parsed;
  const int code =
      mbedtls_x509_crt_parse(parsed.get(), reinterpret_cast<const unsigned char*>(terminated.c_str()),
                             terminated.size() + (is_pem ? 1 : 0));
  if (code > 0) return reject("holds " + std::to_string(code) + " certificates that cannot be read");
  if (code != 0) return reject("holds no certificate in PEM or DER form: " + mbedtls_text(code));
  std::vector<CertificateInfo> all;
  for (const mbedtls_x509_crt* each = parsed.get(); each != nullptr && each->raw.p != nullptr;
       each = each->next)
    all.push_back(describe(*each));
  return all;
}

std::int64_t days_left(const CertificateInfo& certificate, WallTime now) {
  return std::chrono::floor<std::chrono::days>(certificate.not_after - now).count();
}

bool is_clock_plausible(WallTime now) { return now.time_since_epoch() >= kPlausibleSince; }

std::string mbedtls_text(int code) {
  std::array<char, 160> text{};
  mbedtls_strerror(code, text.data(), text.size());
  std::array<char, 16> number{};
  (void)std::snprintf(number.data(), number.size(), " (-0x%04X)", static_cast<unsigned>(-code));
  return std::string(text.data()) + number.data();
}

}  // namespace outrider
