// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace outrider {

/// Text writers for the hot path: JSON without a document tree. Everything else uses nlohmann/json.

/// Longest result of write_number: 17 digits, sign, point, exponent.
inline constexpr int kNumberBytes = 32;

/// Writes the shortest decimal that reads back as the same double; "null" when not finite.
///
/// Shape    `decimals` is a hint: values that are a multiple of 10^-decimals take a path several times as
/// fast.
///          `out` has room for kNumberBytes. Returns the end; no terminator.
char* write_number(char* out, double value, int decimals = 0);
char* write_integer(char* out, std::int64_t value);

/// Appends `text` as a JSON string with quotes; control characters escaped, invalid UTF-8 replaced by U+FFFD.
void append_json_string(std::string& out, std::string_view text);
void append_number(std::string& out, double value, int decimals = 0);
void append_integer(std::string& out, std::int64_t value);

}  // namespace outrider
