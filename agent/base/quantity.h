// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace outrider {

/// Reads "500ms", "20s", "5min", "72h", "7d"; "0s" is allowed, negative and bare numbers are not.
/// Errors  kReject with what would be right.
Result<milliseconds> parse_duration(std::string_view text);

/// Reads "512B", "64KiB", "256MiB", "2GiB" (powers of 1024) and "64kB", "1MB" (powers of 1000).
Result<std::uint64_t> parse_size(std::string_view text);

/// "1.5 s", "20 s", "3 h 12 min": for people.
std::string duration_text(nanoseconds duration);
/// "64.0 KiB": for people.
std::string size_text(std::uint64_t bytes);
/// "12 345 678": digits in groups, for people.
std::string grouped(std::uint64_t number);

}  // namespace outrider
