// SPDX-License-Identifier: Apache-2.0
#include "agent/decode/text_encoding.h"

#include <array>
#include <cstdint>

namespace outrider {

namespace {

constexpr std::uint16_t kUnassigned = 0xFFFD;

/// Code points of bytes 0x80..0x9F. Source: Unicode Consortium, MAPPINGS/VENDORS/MICSFT/WINDOWS/CP1252.TXT
constexpr std::array<std::uint16_t, 32> kCp1252High = {
    0x20AC,      kUnassigned, 0x201A, 0x0192, 0x201E, 0x2026,      0x2020, 0x2021,  // 80..87
    0x02C6,      0x2030,      0x0160, 0x2039, 0x0152, kUnassigned, 0x017D, kUnassigned,
    kUnassigned, 0x2018,      0x2019, 0x201C, 0x201D, 0x2022,      0x2013, 0x2014,  // 90..97
    0x02DC,      0x2122,      0x0161, 0x203A, 0x0153, kUnassigned, 0x017E, 0x0178};

std::uint8_t byte_at(std::string_view text, std::size_t index) {
  return static_cast<std::uint8_t>(text[index]);
}

bool is_continuation(std::uint8_t byte) { return (byte & 0xC0U) == 0x80; }

/// Bytes that a character with this first byte has; 0 when no character begins so.
std::size_t size_by_lead(std::uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xC2) return 0;  // continuations, and overlong forms of ASCII
  if (lead < 0xE0) return 2;
  if (lead < 0xF0) return 3;
  return lead <= 0xF4 ? 4 : 0;
}

struct ByteRange {
  std::uint8_t first, last;
};

/// What the second byte may be: the first bytes at the edges leave out overlong forms, surrogates and too large ones.
ByteRange second_byte(std::uint8_t lead) {
  switch (lead) {
    case 0xE0:
      return {0xA0, 0xBF};
    case 0xED:
      return {0x80, 0x9F};
    case 0xF0:
      return {0x90, 0xBF};
    case 0xF4:
      return {0x80, 0x8F};
    default:
      return {0x80, 0xBF};
  }
}

/// Bytes of the well-formed character that starts at `index`; 0 when there is none.
/// Source: Unicode Standard, table 3-7 (well-formed UTF-8 byte sequences).
std::size_t character_size(std::string_view text, std::size_t index) {
  const std::uint8_t lead = byte_at(text, index);
  const std::size_t size = size_by_lead(lead);
  if (size <= 1) return size;
  if (text.size() - index < size) return 0;
  const std::uint8_t second = byte_at(text, index + 1);
  const ByteRange allowed = second_byte(lead);
  if (second < allowed.first || second > allowed.last) return 0;
  for (std::size_t i = 2; i < size; ++i)
    if (!is_continuation(byte_at(text, index + i))) return 0;
  return size;
}

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

bool is_utf8(std::string_view text) {
  std::size_t index = 0;
  while (index < text.size()) {
    const std::size_t size = character_size(text, index);
    if (size == 0) return false;
    index += size;
  }
  return true;
}

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
