// SPDX-License-Identifier: Apache-2.0
#include "agent/secure/pem.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

namespace outrider {
namespace {

std::string entry(const std::string& label, const std::string& body = "AAAA") {
  return "-----BEGIN " + label + "-----\n" + body + "\n-----END " + label + "-----\n";
}

SecretText secret(std::string_view bytes) {
  SecretText text(bytes.size());
  std::copy(bytes.begin(), bytes.end(), text.data());
  return text;
}

TEST_CASE("pem: things are found in their order, whatever stands between them") {
  const std::string text =
      "Bag Attributes\n" + entry("CERTIFICATE") + "\nsubject=x\n" + entry("EC PRIVATE KEY") + "tail";
  const auto entries = pem_entries(text);
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].label == "CERTIFICATE");
  CHECK(entries[0].is_certificate());
  CHECK(std::string(entries[0].text) + "\n" == entry("CERTIFICATE"));
  CHECK(entries[1].is_private_key());
  CHECK_FALSE(entries[1].is_certificate());
}

TEST_CASE("pem: what has no end, or another one, is none") {
  CHECK(pem_entries("").empty());
  CHECK(pem_entries("-----BEGIN ").empty());
  CHECK(pem_entries("-----BEGIN CERTIFICATE-----\nAAAA\n").empty());
  CHECK(pem_entries("-----BEGIN CERTIFICATE-----\nAAAA\n-----END X-----\n").empty());
  CHECK(pem_entries("-----BEGIN -----\n-----END -----\n").empty());
  CHECK(pem_entries(entry(std::string(65, 'A'))).empty());
  const std::string cut = "-----BEGIN PRIVATE KEY-----\nAA" + entry("CERTIFICATE");
  REQUIRE(pem_entries(cut).size() == 1);
  CHECK(pem_entries(cut)[0].is_certificate());
}

TEST_CASE("pem: what is in a file has a name") {
  CHECK(what_is_in(entry("CERTIFICATE")) == "a certificate");
  CHECK(what_is_in(entry("NEW CERTIFICATE REQUEST")) == "a certificate request");
  CHECK(what_is_in(entry("PRIVATE KEY")) == "a private key");
  CHECK(what_is_in(entry("ENCRYPTED PRIVATE KEY")) == "a private key with a password");
  CHECK(what_is_in(entry("RSA PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\n\nAAAA")) ==
        "a private key with a password");
  CHECK(what_is_in(entry("PUBLIC KEY")) == "a public key");
  CHECK(what_is_in(entry("X509 CRL")) == "a list of revoked certificates");
  CHECK(what_is_in(entry("DH PARAMETERS")) == "something else (\"DH PARAMETERS\")");
  CHECK(what_is_in("hello").empty());
}

TEST_CASE("pem: lines of 64 characters, however many bytes") {
  CHECK(to_pem("X", secret("")).view() == "-----BEGIN X-----\n-----END X-----\n");
  CHECK(to_pem("X", secret("abc")).view() == "-----BEGIN X-----\nYWJj\n-----END X-----\n");
  CHECK(to_pem("X", secret(std::string(48, 'a'))).view().size() == 18 + 65 + 16);
  const SecretText longer = to_pem("X", secret(std::string(49, 'a')));
  CHECK(longer.view().size() == 18 + 65 + 5 + 16);
  CHECK(longer.view().substr(18 + 65, 5) == "YQ==\n");
}

}  // namespace
}  // namespace outrider
