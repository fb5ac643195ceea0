// SPDX-License-Identifier: Apache-2.0
#include "agent/store/checksum.h"

#include <doctest/doctest.h>

namespace outrider {
namespace {

TEST_CASE("checksum: is CRC-32, can go on in parts, and nothing adds nothing") {
  CHECK(checksum("123456789") == 0xCBF43926);  // the check value of CRC-32/ISO-HDLC
  CHECK(checksum("6789", checksum("12345")) == checksum("123456789"));
  CHECK(checksum(std::string_view(), 0x12345678) == 0x12345678);  // zlib would begin anew at a null pointer
}

}  // namespace
}  // namespace outrider
