// SPDX-License-Identifier: Apache-2.0
#include "agent/base/json_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "agent/base/utf8.h"

namespace outrider {
namespace {

constexpr int kMostDecimals = 15;
constexpr std::array<double, kMostDecimals + 1> kPowersOfTen = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                                1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
constexpr double kExactIntegers = 9007199254740992.0;  // 2^53: every integer below is a double

constexpr auto kDigitPairs = [] {
  std::array<char, 200> pairs{};
  for (std::size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();

constexpr std::array<std::uint64_t, 20> kIntegerPowers = [] {
  std::array<std::uint64_t, 20> powers{1};
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}();

/// Writes exactly `count` digits, with leading zeros.
void write_digits(char* out, std::uint64_t value, int count) {
  char* end = out + count;
  while (end - out >= 2) {
    end -= 2;
    std::memcpy(end, &kDigitPairs[2 * (value % 100)], 2);
    value /= 100;
  }
  if (end > out) *out = static_cast<char>('0' + value % 10);
}

char* write_pair(char* out, std::uint64_t below_hundred) {
  std::memcpy(out, &kDigitPairs[2 * below_hundred], 2);
  return out + 2;
}

/// Without leading zeros. Small numbers are by far the most frequent.
char* write_unsigned(char* out, std::uint64_t value) {
  if (value < 10) {
    *out = static_cast<char>('0' + value);
    return out + 1;
  }
  if (value < 100) return write_pair(out, value);
  return write_pair(write_unsigned(out, value / 100), value % 100);
}

/// Writes scaled * 10^-decimals without trailing zeros.
char* write_scaled(char* out, std::int64_t scaled, int decimals) {
  if (scaled < 0) *out++ = '-';
  const auto magnitude = static_cast<std::uint64_t>(scaled < 0 ? -scaled : scaled);
  if (decimals == 0) return write_unsigned(out, magnitude);
  const std::uint64_t power = kIntegerPowers[static_cast<std::size_t>(decimals)];
  out = write_unsigned(out, magnitude / power);
  const std::uint64_t fraction = magnitude % power;
  if (fraction == 0) return out;
  *out++ = '.';
  write_digits(out, fraction, decimals);
  out += decimals;
  while (out[-1] == '0') --out;
  return out;
}

void append_escaped(std::string& out, char character) {
  switch (character) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\r':
      out += "\\r";
      return;
    default:
      break;
  }
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto code = static_cast<unsigned char>(character);
  out += "\\u00";
  out += kHex[code >> 4];
  out += kHex[code & 15];
}

bool needs_escape(char character) {
  return static_cast<unsigned char>(character) < 0x20 || character == '"' || character == '\\' ||
         character == '\x7f';
}

}  // namespace

char* write_integer(char* out, std::int64_t value) {
  return std::to_chars(out, out + kNumberBytes, value).ptr;
}

char* write_number(char* out, double value, int decimals) {
  if (std::fabs(value) < kExactIntegers) {
    const auto whole = static_cast<std::int64_t>(value);
    if (static_cast<double>(whole) == value) return write_integer(out, whole);
  }
  if (decimals >= 0 && decimals <= kMostDecimals) {
    const double power = kPowersOfTen[static_cast<std::size_t>(decimals)];
    const double scaled = value * power;
    // An integer below 2^53 divided by an exact power of ten is the double nearest to that decimal (IEEE 754
    // division), so when it gives `value` back, the decimal reads back as `value`.
    if (std::fabs(scaled) < kExactIntegers) {
      const auto rounded = static_cast<std::int64_t>(scaled + (scaled < 0 ? -0.5 : 0.5));
      if (static_cast<double>(rounded) / power == value) return write_scaled(out, rounded, decimals);
    }
  }
  if (!std::isfinite(value)) {
    return std::copy_n("null", 4, out);
  }
  return std::to_chars(out, out + kNumberBytes, value).ptr;
}

void append_number(std::string& out, double value, int decimals) {
  std::array<char, kNumberBytes> buffer{};
  out.append(buffer.data(), write_number(buffer.data(), value, decimals));
}

void append_integer(std::string& out, std::int64_t value) {
  std::array<char, kNumberBytes> buffer{};
  out.append(buffer.data(), write_integer(buffer.data(), value));
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    if (needs_escape(text[at])) {
      append_escaped(out, text[at++]);
      continue;
    }
    const std::size_t size = utf8_size(text, at);
    if (size == 0) {
      out += "\xEF\xBF\xBD";
      ++at;
    } else {
      out.append(text, at, size);
      at += size;
    }
  }
  out += '"';
}

}  // namespace outrider
