// SPDX-License-Identifier: Apache-2.0
#include "agent/base/utf8.h"

#include <doctest/doctest.h>

#include <string_view>

namespace outrider {
namespace {

TEST_CASE("utf8: a character has as many bytes as its code point needs") {
  constexpr std::string_view kText = "aä€🚗";
  CHECK(utf8_size(kText, 0) == 1);
  CHECK(utf8_size(kText, 1) == 2);
  CHECK(utf8_size(kText, 3) == 3);
  CHECK(utf8_size(kText, 6) == 4);
  CHECK(utf8_size(kText, 2) == 0);  // inside of a character
  CHECK(utf8_size(std::string_view("\0", 1), 0) == 1);
}

TEST_CASE("utf8: only well-formed text passes") {
  CHECK(is_utf8(""));
  CHECK(is_utf8("plain, ä, €, 🚗"));
  CHECK_FALSE(is_utf8("\xFF"));
  CHECK_FALSE(is_utf8("\x80"));
  CHECK_FALSE(is_utf8("\xC3\x28"));
  CHECK_FALSE(is_utf8("cut \xE2\x82"));
  CHECK_FALSE(is_utf8("\xE2\x82 cut"));
}

TEST_CASE(
    "utf8: overlong forms, surrogates and what is above U+10FFFF are refused, their neighbours are not") {
  CHECK_FALSE(is_utf8("\xC0\xAF"));  // '/' in two bytes
  CHECK_FALSE(is_utf8("\xC1\xBF"));
  CHECK(is_utf8("\xC2\x80"));
  CHECK_FALSE(is_utf8("\xE0\x9F\xBF"));
  CHECK(is_utf8("\xE0\xA0\x80"));
  CHECK(is_utf8("\xED\x9F\xBF"));
  CHECK_FALSE(is_utf8("\xED\xA0\x80"));  // U+D800
  CHECK_FALSE(is_utf8("\xED\xBF\xBF"));  // U+DFFF
  CHECK(is_utf8("\xEE\x80\x80"));
  CHECK_FALSE(is_utf8("\xF0\x8F\xBF\xBF"));
  CHECK(is_utf8("\xF0\x90\x80\x80"));
  CHECK(is_utf8("\xF4\x8F\xBF\xBF"));
  CHECK_FALSE(is_utf8("\xF4\x90\x80\x80"));  // U+110000
  CHECK_FALSE(is_utf8("\xF5\x80\x80\x80"));
}

}  // namespace
}  // namespace outrider
