// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace outrider {

/// True when `pattern` covers all of `text`: '*' is any run of characters, '?' any one character (UTF-8), the rest
/// stands for itself, upper and lower case apart.
///
/// Threads  pure function; at most length of pattern times length of text steps.
bool glob_matches(std::string_view pattern, std::string_view text);

/// True when `pattern` holds '*' or '?', so that it may match more than one text.
bool has_wildcard(std::string_view pattern);

}  // namespace outrider
