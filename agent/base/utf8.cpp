// SPDX-License-Identifier: Apache-2.0
#include "agent/base/utf8.h"

namespace outrider {
namespace {

/// Bytes that a character with this first byte has; 0 when no character begins so.
std::size_t size_by_lead(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xC2) return 0;  // continuations, and overlong forms of ASCII
  if (lead < 0xE0) return 2;
  if (lead < 0xF0) return 3;
  return lead <= 0xF4 ? 4 : 0;
}

struct ByteRange {
  unsigned char first, last;
};

/// What the second byte may be: the first bytes at the edges leave out overlong forms, surrogates and too large ones.
ByteRange second_byte(unsigned char lead) {
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

}  // namespace

std::size_t utf8_size(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::size_t size = size_by_lead(lead);
  if (size <= 1) return size;
  if (text.size() - at < size) return 0;
  const auto second = static_cast<unsigned char>(text[at + 1]);
  const ByteRange allowed = second_byte(lead);
  if (second < allowed.first || second > allowed.last) return 0;
  for (std::size_t i = 2; i < size; ++i)
    if (!is_utf8_continuation(text[at + i])) return 0;
  return size;
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = utf8_size(text, at);
    if (size == 0) return false;
    at += size;
  }
  return true;
}

}  // namespace outrider
