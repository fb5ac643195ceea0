// SPDX-License-Identifier: Apache-2.0
#include "agent/base/json_text.h"

#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

using namespace outrider;

namespace {

std::string number(double value, int decimals) {
  std::string text;
  append_number(text, value, decimals);
  return text;
}

std::string json_string(std::string_view text) {
  std::string json;
  append_json_string(json, text);
  return json;
}

}  // namespace

TEST_CASE("number: decimals as a person would write them") {
  CHECK(number(0.3, 1) == "0.3");
  CHECK(number(53.2, 3) == "53.2");
  CHECK(number(-0.05, 2) == "-0.05");
  CHECK(number(1740, 0) == "1740");
  CHECK(number(-118, 4) == "-118");
  CHECK(number(0, 5) == "0");
  CHECK(number(47.3769, 7) == "47.3769");
  CHECK(number(100, 2) == "100");
  CHECK(number(9007199254740991.0, 0) == "9007199254740991");
}

TEST_CASE("number: a wrong hint costs time, never precision") {
  CHECK(number(0.1 + 0.2, 1) == "0.30000000000000004");
  CHECK(number(1e300, 3) == "1e+300");
  CHECK(number(1.5, 0) == "1.5");
  CHECK(number(std::numeric_limits<double>::denorm_min(), 15) == "5e-324");
}

TEST_CASE("number: what JSON cannot say is null") {
  CHECK(number(std::numeric_limits<double>::quiet_NaN(), 2) == "null");
  CHECK(number(std::numeric_limits<double>::infinity(), 2) == "null");
}

TEST_CASE("number: every double reads back as itself, whatever the hint") {
  std::mt19937_64 random(20260601);
  for (int i = 0; i < 200'000; ++i) {
    const bool is_decimal = i % 2 == 0;
    const int decimals = static_cast<int>(random() % 17) - 1;
    const double value = is_decimal ? static_cast<double>(static_cast<std::int32_t>(random())) /
                                          std::pow(10.0, static_cast<double>(random() % 9))
                                    : std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    const std::string text = number(value, decimals);
    REQUIRE_MESSAGE(std::strtod(text.c_str(), nullptr) == value, text);
    REQUIRE(text.size() <= kNumberBytes);
  }
}

TEST_CASE("string: what JSON reserves is escaped") {
  CHECK(json_string("a\"b\\c\n\t\r\x01\x7f") == R"("a\"b\\c\n\t\r\u0001\u007f")");
  CHECK(json_string("°C") == "\"°C\"");
}

TEST_CASE("string: bytes that are not UTF-8 become the replacement character") {
  CHECK(json_string("\xB0"
                    "C") ==
        "\"\xEF\xBF\xBD"
        "C\"");                                                          // cp1252 degree sign
  CHECK(json_string("\xC0\x80") == "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");      // overlong zero
  CHECK(json_string("\xED\xA0\x80").find('\xED') == std::string::npos);  // surrogate
  CHECK(json_string("\xF0\x9F\x9A\x97") == "\"\xF0\x9F\x9A\x97\"");
  CHECK(json_string("\xF0\x9F") == "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");  // cut short
}

TEST_CASE("string: any bytes make valid JSON") {
  std::mt19937 random(7);
  for (int i = 0; i < 5000; ++i) {
    std::string bytes;
    for (std::size_t n = random() % 12; n > 0; --n) bytes += static_cast<char>(random());
    REQUIRE(nlohmann::json::accept(json_string(bytes)));
  }
}
