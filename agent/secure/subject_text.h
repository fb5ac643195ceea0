// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"

namespace outrider {

/// One part of a subject: "CN", "truck-17".
struct SubjectPart {
  std::string type;   ///< CN, O, OU, C, ST, L or serialNumber.
  std::string value;  ///< UTF-8, without escapes.
  bool operator==(const SubjectPart&) const = default;
};

/// "CN=truck-17,O=Fleet": the most significant part need not be first. A backslash takes the meaning from the character
/// behind it: "O=Sun\, Sea and Trucks".
///
/// Errors  kReject: what is wrong, and what would be right.
/// Source  RFC 4514 without multi-valued parts and hex strings; lengths: RFC 5280, appendix A.1.
Result<std::vector<SubjectPart>> parse_subject(std::string_view text);

/// The part that names the device.
/// Errors  as above.
Result<SubjectPart> common_name(std::string_view name);

/// A name that a certificate is for, beside its subject.
struct AlternativeName {
  enum class Kind : std::uint8_t { kDns = 2, kUri = 6, kAddress = 7 };  ///< Numbers of RFC 5280, GeneralName.
  Kind kind = Kind::kDns;
  std::string bytes;  ///< ASCII; of an address its four bytes.
  bool operator==(const AlternativeName&) const = default;
};

/// "DNS:truck-17.fleet.example", "IP:10.0.0.7", "URI:urn:vin:…".
/// Errors  as above.
Result<AlternativeName> parse_alternative_name(std::string_view text);

}  // namespace outrider
