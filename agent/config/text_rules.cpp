// SPDX-License-Identifier: Apache-2.0
#include "agent/config/text_rules.h"

#include <cstdint>

namespace outrider {
namespace {

struct Sequence {
  std::size_t bytes;       ///< 0: no character begins with this byte.
  std::uint32_t first;     ///< Bits of the code point in the first byte.
  std::uint32_t smallest;  ///< Code points below must be written with fewer bytes.
};

Sequence sequence_of(unsigned char lead) {
  if (lead < 0x80) return {1, lead, 0};
  if (lead >= 0xC2 && lead <= 0xDF) return {2, lead & 0x1FU, 0x80};
  if (lead >= 0xE0 && lead <= 0xEF) return {3, lead & 0x0FU, 0x800};
  if (lead >= 0xF0 && lead <= 0xF4) return {4, lead & 0x07U, 0x1'0000};
  return {0, 0, 0};
}

}  // namespace

bool is_well_formed_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Sequence sequence = sequence_of(static_cast<unsigned char>(text[at]));
    if (sequence.bytes == 0 || at + sequence.bytes > text.size()) return false;
    std::uint32_t code = sequence.first;
    for (std::size_t i = 1; i < sequence.bytes; ++i) {
      const char c = text[at + i];
      if (!is_utf8_continuation(c)) return false;
      code = (code << 6U) | (static_cast<unsigned char>(c) & 0x3FU);
    }
    const bool is_surrogate = code >= 0xD800 && code <= 0xDFFF;
    if (code < sequence.smallest || code > 0x10FFFF || is_surrogate) return false;
    at += sequence.bytes;
  }
  return true;
}

bool has_control_characters(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7F) return true;
    // U+0080..U+009F are C2 80..C2 9F in UTF-8.
    if (c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0) return true;
  }
  return false;
}

}  // namespace outrider
