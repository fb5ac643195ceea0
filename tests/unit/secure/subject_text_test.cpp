// SPDX-License-Identifier: Apache-2.0
#include "agent/secure/subject_text.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

namespace outrider {
namespace {

using Parts = std::vector<SubjectPart>;

struct Refusal {
  std::string text;
  std::string why;  ///< Part of the sentence.
};

TEST_CASE("subject: parts come in their order, spaces around them do not count") {
  const auto parts = parse_subject(" CN = truck-17 , O=Fleet AG ,C=DE");
  REQUIRE(parts);
  CHECK(*parts == Parts{{"CN", "truck-17"}, {"O", "Fleet AG"}, {"C", "DE"}});
}

TEST_CASE("subject: a backslash takes the meaning from a mark, and keeps a space") {
  const auto parts = parse_subject(R"(O=Sun\, Sea \+ \"Trucks\"\ ,CN=a=b\\c,OU=ä)");
  REQUIRE(parts);
  CHECK(*parts == Parts{{"O", "Sun, Sea + \"Trucks\" "}, {"CN", "a=b\\c"}, {"OU", "ä"}});
}

TEST_CASE("subject: what is wrong with it is said") {
  const std::array<Refusal, 17> refusals{{{"", "is empty"},
                                          {"/CN=truck-17", "as openssl has it"},
                                          {"truck-17", "\"truck-17\" has no \"=\""},
                                          {"CN=a,", "\"\" has no \"=\""},
                                          {"CN=a,b", "\"b\" has no \"=\""},
                                          {"cn=a", "\"cn\" is of no known type"},
                                          {"X=a", "known are CN, O, OU"},
                                          {"CN=", "CN is empty"},
                                          {"CN=a,CN=b", "CN twice"},
                                          {"CN=a+O=b", "has a +"},
                                          {"CN=a\"b", "has a \""},
                                          {"CN=a\\", "has a \\ with nothing behind it"},
                                          {"CN=a\\2C", "has a \\ with nothing behind it"},
                                          {"CN=a\nb", "has a control character"},
                                          {"CN=\xff", "is not UTF-8"},
                                          {"C=DEU", "has 3 characters; 2 are allowed"},
                                          {"serialNumber=a*b", "letters, digits"}}};
  for (const Refusal& refusal : refusals) {
    CAPTURE(refusal.text);
    const auto parts = parse_subject(refusal.text);
    REQUIRE_FALSE(parts);
    CAPTURE(parts.error().text);
    CHECK(parts.error().text.find("the subject") == 0);
    CHECK(parts.error().text.find(refusal.why) != std::string::npos);
  }
  CHECK_FALSE(parse_subject("C=D"));
  CHECK_FALSE(parse_subject("CN=" + std::string(3000, 'a')));
}

TEST_CASE("subject: a name may have 64 characters, however many bytes these are") {
  std::string name;
  for (int i = 0; i < 64; ++i) name += "ä";
  CHECK(common_name(name));
  CHECK(parse_subject("CN=" + name));
  const auto longer = common_name(name + "x");
  REQUIRE_FALSE(longer);
  CHECK(longer.error().text == "the subject's CN has 65 characters; 64 are allowed");
}

TEST_CASE("subject: a vehicle's id needs no escapes to become a name") {
  const auto name = common_name("truck,17+x=\"y\"");
  REQUIRE(name);
  CHECK(*name == SubjectPart{"CN", "truck,17+x=\"y\""});
}

TEST_CASE("alternative name: host names, addresses and URIs") {
  using Kind = AlternativeName::Kind;
  const auto dns = parse_alternative_name("DNS:truck-17.fleet.example");
  REQUIRE(dns);
  CHECK(*dns == AlternativeName{Kind::kDns, "truck-17.fleet.example"});
  CHECK(parse_alternative_name("DNS:*.fleet.example"));
  const auto address = parse_alternative_name("IP:10.0.0.255");
  REQUIRE(address);
  CHECK(*address == AlternativeName{Kind::kAddress, std::string("\x0a\x00\x00\xff", 4)});
  const auto uri = parse_alternative_name("URI:urn:vin:1M8GDM9AXKP042788");
  REQUIRE(uri);
  CHECK(*uri == AlternativeName{Kind::kUri, "urn:vin:1M8GDM9AXKP042788"});
}

TEST_CASE("alternative name: what is wrong with it is said") {
  for (const char* text :
       {"DNS:", "DNS:a..b", "DNS:.a", "DNS:a.", "DNS:-a", "DNS:a b", "DNS:*", "DNS:a.*.b", "DNS:ä"}) {
    CAPTURE(text);
    const auto name = parse_alternative_name(text);
    REQUIRE_FALSE(name);
    CHECK(name.error().text.find("is no host name; write DNS:") != std::string::npos);
  }
  for (const char* text : {"IP:", "IP:10.0.0", "IP:10.0.0.256", "IP:10.0.0.0.1", "IP:1.2.3.-4", "IP:1.2.3.4.",
                           "IP:0001.2.3.4", "IP:::1"}) {
    CAPTURE(text);
    const auto name = parse_alternative_name(text);
    REQUIRE_FALSE(name);
    CHECK(name.error().text.find("is no IPv4 address; write IP:") != std::string::npos);
  }
  for (const char* text : {"URI:", "URI:a", "URI::a", "URI:a:", "URI:a: b"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_alternative_name(text));
  }
  for (const char* text : {"", "truck-17", "dns:a", "EMAIL:a@b", ":"}) {
    CAPTURE(text);
    const auto name = parse_alternative_name(text);
    REQUIRE_FALSE(name);
    CHECK(name.error().text.find("is no name of a known kind; write DNS:") != std::string::npos);
  }
}

}  // namespace
}  // namespace outrider
