// SPDX-License-Identifier: Apache-2.0
#include "agent/secure/subject_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "agent/base/utf8.h"

namespace outrider {
namespace {

struct PartType {
  std::string_view name;
  std::size_t most = 0;   ///< Characters.
  bool is_plain = false;  ///< PrintableString: letters, digits and a few marks.
};
constexpr std::array<PartType, 7> kTypes{
    {{"CN", 64}, {"O", 64}, {"OU", 64}, {"C", 2, true}, {"ST", 128}, {"L", 128}, {"serialNumber", 64, true}}};
constexpr std::string_view kEscapable = ",+\"\\<>;=# ";
constexpr std::size_t kLongestText = 2048;
constexpr std::size_t kLongestDnsName = 253;
constexpr std::size_t kLongestLabel = 63;  // RFC 1035 section 2.3.4
constexpr std::size_t kLongestUri = 1024;

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::string quoted(std::string_view text) {
  constexpr std::size_t kMostShown = 60;
  std::string shown = "\"";
  for (const char c : text.substr(0, kMostShown)) shown += c >= 0x20 && c < 0x7F ? c : '?';
  return shown + (text.size() > kMostShown ? "…\"" : "\"");
}

std::size_t characters(std::string_view utf8) {
  return utf8.size() -
         static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), is_utf8_continuation));
}

/// What is wrong with the value of a part; follows its type.
std::optional<std::string> problem_of(const PartType& type, std::string_view value) {
  if (value.empty()) return "is empty";
  if (!is_utf8(value)) return "is not UTF-8";
  if (std::any_of(value.begin(), value.end(), [](char c) { return (c >= 0 && c < 0x20) || c == 0x7F; }))
    return "has a control character";
  if (characters(value) > type.most)
    return "has " + std::to_string(characters(value)) + " characters; " + std::to_string(type.most) +
           " are allowed";
  if (type.name == "C" && characters(value) != type.most)
    return "is not a country of two letters, such as DE";
  const auto is_plain = [](char c) {
    return is_letter_or_digit(c) || std::string_view(" '()+,-./:=?").find(c) != std::string_view::npos;
  };
  if (type.is_plain && !std::all_of(value.begin(), value.end(), is_plain))
    return "may have letters, digits and '()+,-./:=? only";
  return std::nullopt;
}

/// Reads one part after the other; what it says of a mistake begins with "the subject".
class SubjectReader {
 public:
  explicit SubjectReader(std::string_view text) : rest_(text) {}

  bool is_done() const { return is_done_; }

  Result<SubjectPart> next() {
    const std::size_t equals = rest_.find_first_of("=,");
    if (equals == std::string_view::npos || rest_[equals] != '=')
      return reject("the subject's part " + quoted(trimmed(rest_.substr(0, equals))) +
                    " has no \"=\"; write TYPE=VALUE, such as CN=truck-17");
    const std::string_view name = trimmed(rest_.substr(0, equals));
    const auto* const type =
        std::find_if(kTypes.begin(), kTypes.end(), [&](const PartType& each) { return each.name == name; });
    if (type == kTypes.end())
      return reject("the subject's part " + quoted(name) +
                    " is of no known type; known are CN, O, OU, C, ST, L, serialNumber");
    rest_.remove_prefix(equals + 1);
    Result<std::string> value = read_value();
    if (!value) return value.error();
    if (const auto wrong = problem_of(*type, *value))
      return reject("the subject's " + std::string(name) + " " + *wrong);
    return SubjectPart{std::string(name), std::move(*value)};
  }

 private:
  static std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(' ');
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
  }

  /// Up to the next comma that is not escaped. Spaces around it do not count, escaped ones do.
  Result<std::string> read_value() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size()));
    std::string value;
    std::size_t kept = 0;  // what must not be taken for spaces at the end
    std::size_t i = 0;
    for (; i < rest_.size() && rest_[i] != ','; ++i) {
      if (std::string_view("+\"<>;").find(rest_[i]) != std::string_view::npos)
        return reject(std::string("the subject has a ") + rest_[i] +
                      " that means something else; write it as \\" + rest_[i]);
      const bool is_escaped = rest_[i] == '\\';
      if (is_escaped && (++i == rest_.size() || kEscapable.find(rest_[i]) == std::string_view::npos))
        return reject(
            "the subject has a \\ with nothing behind it that needs one; a real one is written \\\\");
      value += rest_[i];
      if (is_escaped || rest_[i] != ' ') kept = value.size();
    }
    value.resize(kept);
    is_done_ = i == rest_.size();
    rest_.remove_prefix(is_done_ ? i : i + 1);
    return value;
  }

  std::string_view rest_;
  bool is_done_ = false;
};

bool is_dns_label(std::string_view label) {
  return !label.empty() && label.size() <= kLongestLabel && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(),
                     [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_'; });
}

bool is_dns_name(std::string_view name) {
  if (name.size() > kLongestDnsName) return false;
  if (name.substr(0, 2) == "*.") name.remove_prefix(2);
  for (std::size_t dot = 0; dot != std::string_view::npos; name.remove_prefix(dot + 1)) {
    dot = name.find('.');
    if (!is_dns_label(name.substr(0, dot))) return false;
    if (dot == std::string_view::npos) break;
  }
  return true;
}

/// The four bytes of "10.0.0.7".
std::optional<std::string> ipv4_bytes(std::string_view text) {
  std::string bytes;
  for (;;) {
    const std::string_view part = text.substr(0, text.find('.'));
    unsigned number = 0;
    const auto [end, problem] = std::from_chars(part.data(), part.data() + part.size(), number);
    if (problem != std::errc() || end != part.data() + part.size() || number > 255 || part.size() > 3)
      return std::nullopt;
    bytes += static_cast<char>(number);
    if (part.size() == text.size() || bytes.size() > 4) break;
    text.remove_prefix(part.size() + 1);
  }
  return bytes.size() == 4 ? std::optional(bytes) : std::nullopt;
}

bool is_uri(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == 0 || colon == std::string_view::npos || colon + 1 == text.size() || text.size() > kLongestUri)
    return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

}  // namespace

Result<std::vector<SubjectPart>> parse_subject(std::string_view text) {
  if (text.empty())
    return reject("the subject is empty; write who this device is, such as CN=truck-17,O=Fleet");
  if (text.size() > kLongestText)
    return reject("the subject is longer than " + std::to_string(kLongestText) + " bytes");
  if (text.front() == '/')
    return reject("the subject begins with \"/\", as openssl has it; write CN=truck-17,O=Fleet");
  std::vector<SubjectPart> parts;
  for (SubjectReader reader(text); !reader.is_done();) {
    Result<SubjectPart> part = reader.next();
    if (!part) return part.error();
    const auto is_same = [&](const SubjectPart& each) { return each.type == part->type; };
    if (std::any_of(parts.begin(), parts.end(), is_same))
      return reject("the subject has " + part->type + " twice; each part may be there once");
    parts.push_back(std::move(*part));
  }
  return parts;
}

Result<SubjectPart> common_name(std::string_view name) {
  const PartType& type = kTypes.front();
  if (const auto wrong = problem_of(type, name)) return reject("the subject's CN " + *wrong);
  return SubjectPart{std::string(type.name), std::string(name)};
}

Result<AlternativeName> parse_alternative_name(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view kind = text.substr(0, colon);
  const std::string_view name = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  if (kind == "DNS" && is_dns_name(name))
    return AlternativeName{AlternativeName::Kind::kDns, std::string(name)};
  if (kind == "DNS") return reject(quoted(text) + " is no host name; write DNS:truck-17.fleet.example");
  if (kind == "URI" && is_uri(name)) return AlternativeName{AlternativeName::Kind::kUri, std::string(name)};
  if (kind == "URI") return reject(quoted(text) + " is no URI; write URI:urn:example:truck-17");
  if (kind != "IP")
    return reject(quoted(text) + " is no name of a known kind; write DNS:NAME, IP:ADDRESS or URI:URI");
  if (auto bytes = ipv4_bytes(name))
    return AlternativeName{AlternativeName::Kind::kAddress, std::move(*bytes)};
  return reject(quoted(text) + " is no IPv4 address; write IP:10.0.0.7");
}

}  // namespace outrider
