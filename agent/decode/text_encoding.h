// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace outrider {

/// Windows code page 1252, which the DBC format was born with, as UTF-8. Its five unassigned bytes become U+FFFD.
std::string utf8_from_cp1252(std::string_view text);

/// Text of unknown origin as UTF-8 with '\n' line ends: a byte order mark is dropped, what is not UTF-8 is read as
/// cp1252, "\r\n" and a lone '\r' end a line.
std::string normalized_text(std::string_view bytes);

}  // namespace outrider
