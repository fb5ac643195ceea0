// SPDX-License-Identifier: Apache-2.0
#include "agent/decode/text_encoding.h"

#include <array>
#include <cstdint>

#include "agent/base/utf8.h"

namespace outrider {

namespace {

constexpr std::uint16_t kUnassigned = 0xFFFD;

/// Code points of bytes 0x80..0x9F. Source: Unicode Consortium, MAPPINGS/VENDORS/MICSFT/WINDOWS/CP1252.TXT
constexpr std::array<std::uint16_t, 32> kCp1252High = {
    0x20AC,      kUnassigned, 0x201A, 0x0192, 0x201E, 0x2026,      0x2020, 0x2021,  // 80..87
    0x02C6,      0x2030,      0x0160, 0x2039, 0x0152, kUnassigned, 0x017D, kUnassigned,
    kUnassigned, 0x2018,      0x2019, 0x201C, 0x201D, 0x2022,      0x2013, 0x2014,  // 90..97
    0x02DC,      0x2122,      0x0161, 0x203A, 0x0153, kUnassigned, 0x017E, 0x0178};

/// Appends a code point below U+10000.
void append_utf8(std::string& out, std::uint32_t code_point) {
  if (code_point < 0x80) {
    out.push_back(static_cast<char>(code_point));
    return;
  }
  if (code_point < 0x800) {
    out.push_back(static_cast<char>(0xC0U | (code_point >> 6U)));
  } else {
    out.push_back(static_cast<char>(0xE0U | (code_point >> 12U)));
    out.push_back(static_cast<char>(0x80U | ((code_point >> 6U) & 0x3FU)));
  }
  out.push_back(static_cast<char>(0x80U | (code_point & 0x3FU)));
}

/// "\r\n" and '\r' become '\n', in place.
void unify_line_ends(std::string& text) {
  std::size_t end = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_return = text[i] == '\r';
    if (is_return && i + 1 < text.size() && text[i + 1] == '\n') continue;
    text[end++] = is_return ? '\n' : text[i];
  }
  text.resize(end);
}

}  // namespace

std::string utf8_from_cp1252(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    const bool is_special = byte >= 0x80 && byte <= 0x9F;
    append_utf8(out, is_special ? kCp1252High[byte - 0x80U] : byte);
  }
  return out;
}

std::string normalized_text(std::string_view bytes) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (bytes.starts_with(kByteOrderMark)) bytes.remove_prefix(kByteOrderMark.size());
  std::string text = is_utf8(bytes) ? std::string(bytes) : utf8_from_cp1252(bytes);
  unify_line_ends(text);
  return text;
}

}  // namespace outrider
