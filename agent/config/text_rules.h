// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace outrider {

/// True when `text` is well-formed UTF-8: no overlong forms, no surrogates. Source: RFC 3629 section 4.
bool is_well_formed_utf8(std::string_view text);

/// True when `text` holds U+0000..U+001F or U+007F..U+009F, which MQTT 5 section 1.5.4 advises against in topics.
bool has_control_characters(std::string_view text);

inline bool is_utf8_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

}  // namespace outrider
