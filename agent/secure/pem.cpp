// SPDX-License-Identifier: Apache-2.0
#include "agent/secure/pem.h"

#include <mbedtls/base64.h>

#include <algorithm>

#include "agent/base/ensure.h"

namespace outrider {
namespace {

constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kEnd = "-----END ";
constexpr std::string_view kDashes = "-----";
constexpr std::size_t kLongestLabel = 64;
constexpr std::size_t kMostEntries = 1000;

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

bool is_label(std::string_view text) {
  return !text.empty() && text.size() <= kLongestLabel &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7F && c != '-'; });
}

}  // namespace

bool PemEntry::is_certificate() const {
  return label == "CERTIFICATE" || label == "X509 CERTIFICATE" || label == "TRUSTED CERTIFICATE";
}
bool PemEntry::is_request() const { return ends_with(label, "CERTIFICATE REQUEST"); }
bool PemEntry::is_private_key() const { return ends_with(label, "PRIVATE KEY"); }

std::vector<PemEntry> pem_entries(std::string_view text) {
  std::vector<PemEntry> entries;
  for (std::size_t begin = text.find(kBegin);
       begin != std::string_view::npos && entries.size() < kMostEntries;) {
    const std::size_t label_at = begin + kBegin.size();
    const std::size_t label_end = text.find(kDashes, label_at);
    const std::string_view label = text.substr(label_at, label_end - label_at);
    std::size_t next = label_at;
    if (label_end != std::string_view::npos && is_label(label)) {
      const std::string end = std::string(kEnd) + std::string(label) + std::string(kDashes);
      const std::size_t end_at = text.find(end, label_end);
      if (end_at != std::string_view::npos) {
        next = end_at + end.size();
        entries.push_back({.label = label, .text = text.substr(begin, next - begin)});
      }
    }
    begin = text.find(kBegin, next);
  }
  return entries;
}

std::string what_is_in(std::string_view text) {
  const std::vector<PemEntry> entries = pem_entries(text);
  if (entries.empty()) return {};
  const PemEntry& first = entries.front();
  if (first.is_certificate()) return "a certificate";
  if (first.is_request()) return "a certificate request";
  if (first.is_private_key())
    return first.label == "ENCRYPTED PRIVATE KEY" || first.text.find("ENCRYPTED") != std::string_view::npos
               ? "a private key with a password"
               : "a private key";
  if (ends_with(first.label, "PUBLIC KEY")) return "a public key";
  if (ends_with(first.label, "CRL")) return "a list of revoked certificates";
  return "something else (\"" + std::string(first.label) + "\")";
}

SecretText to_pem(std::string_view label, const SecretText& der) {
  constexpr std::size_t kLine = 64;  // RFC 7468 section 2
  SecretText base64((der.size() + 2) / 3 * 4);
  std::size_t written = 0;
  ENSURE(mbedtls_base64_encode(base64.data(), base64.size() + 1, &written, der.data(), der.size()) == 0);
  const std::string head = std::string(kBegin) + std::string(label) + "-----\n";
  const std::string tail = std::string(kEnd) + std::string(label) + "-----\n";
  SecretText pem(head.size() + written + (written + kLine - 1) / kLine + tail.size());
  unsigned char* to = std::copy(head.begin(), head.end(), pem.data());
  for (std::size_t at = 0; at < written; at += kLine) {
    const std::string_view line = base64.view().substr(at, kLine);
    to = std::copy(line.begin(), line.end(), to);
    *to++ = '\n';
  }
  std::copy(tail.begin(), tail.end(), to);
  return pem;
}

}  // namespace outrider
