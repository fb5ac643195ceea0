// SPDX-License-Identifier: Apache-2.0
#include "agent/base/quantity.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>
#include <span>

namespace outrider {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t size;  ///< In milliseconds or bytes.
};

constexpr std::array<Unit, 5> kDurationUnits = {
    {{"ms", 1}, {"s", 1000}, {"min", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
constexpr std::array<Unit, 7> kSizeUnits = {{{"B", 1},
                                             {"KiB", 1ULL << 10},
                                             {"MiB", 1ULL << 20},
                                             {"GiB", 1ULL << 30},
                                             {"kB", 1000},
                                             {"MB", 1'000'000},
                                             {"GB", 1'000'000'000}}};

/// Decimal number directly followed by a unit, such as "1.5s". Errors: kReject with `advice`.
Result<std::uint64_t> parse_quantity(std::string_view text, std::span<const Unit> units,
                                     std::string_view advice) {
  const auto refuse = [&] { return reject("\"" + std::string(text) + "\" is not " + std::string(advice)); };
  double amount = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), amount, std::chars_format::fixed);
  if (error != std::errc{} || amount < 0) return refuse();
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const Unit& known : units) {
    if (known.name != unit) continue;
    const double total = amount * static_cast<double>(known.size);
    if (!(total < 9e15)) return refuse();  // exact in a double, and 285 000 years
    return static_cast<std::uint64_t>(std::llround(total));
  }
  return refuse();
}

std::string one_decimal(double value, const char* unit) {
  std::array<char, 48> buffer{};
  const int length = std::snprintf(buffer.data(), buffer.size(), "%.1f %s", value, unit);
  return {buffer.data(), static_cast<std::size_t>(length)};
}

}  // namespace

Result<milliseconds> parse_duration(std::string_view text) {
  const auto parsed =
      parse_quantity(text, kDurationUnits,
                     "a duration; write a number and ms, s, min, h or d, such as \"500ms\" or \"20s\"");
  if (!parsed) return parsed.error();
  return milliseconds(static_cast<std::int64_t>(*parsed));
}

Result<std::uint64_t> parse_size(std::string_view text) {
  return parse_quantity(
      text, kSizeUnits,
      "a size; write a number and B, KiB, MiB, GiB, kB, MB or GB, such as \"64KiB\" or \"256MiB\"");
}

std::string duration_text(nanoseconds duration) {
  const auto total_ms = std::chrono::duration_cast<milliseconds>(duration).count();
  if (total_ms < 1000) return std::to_string(total_ms) + " ms";
  if (total_ms < 60'000)
    return total_ms % 1000 == 0 ? std::to_string(total_ms / 1000) + " s"
                                : one_decimal(static_cast<double>(total_ms) / 1000, "s");
  const auto minutes = total_ms / 60'000;
  if (minutes < 60) return std::to_string(minutes) + " min " + std::to_string(total_ms / 1000 % 60) + " s";
  constexpr std::int64_t kMinutesPerDay = 1440;
  if (minutes < 2 * kMinutesPerDay)
    return std::to_string(minutes / 60) + " h " + std::to_string(minutes % 60) + " min";
  return std::to_string(minutes / kMinutesPerDay) + " d " + std::to_string(minutes / 60 % 24) + " h";
}

std::string size_text(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  const auto value = static_cast<double>(bytes);
  if (bytes < (1ULL << 20)) return one_decimal(value / 1024, "KiB");
  if (bytes < (1ULL << 30)) return one_decimal(value / (1 << 20), "MiB");
  return one_decimal(value / (1 << 30), "GiB");
}

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), 1, ' ');
  return digits;
}

}  // namespace outrider
