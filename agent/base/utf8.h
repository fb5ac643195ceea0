// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

namespace outrider {

/// Bytes of the well-formed character that begins at `text[at]`; 0 when there is none. `at` is inside of `text`.
/// Well-formed: no overlong forms, no surrogates, nothing above U+10FFFF. Source: RFC 3629 section 4.
std::size_t utf8_size(std::string_view text, std::size_t at);

bool is_utf8(std::string_view text);

/// True for the second and later bytes of a character.
inline bool is_utf8_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

}  // namespace outrider
