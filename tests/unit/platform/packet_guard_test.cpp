// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/packet_guard.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace outrider;

namespace {

std::string packet(char type, std::size_t length) {
  std::string bytes(1, type);
  std::size_t rest = length;
  do {
    const auto more = rest > 0x7F ? 0x80U : 0U;
    bytes += static_cast<char>((rest & 0x7FU) | more);
    rest >>= 7U;
  } while (rest > 0);
  return bytes + std::string(length, '\xFF');
}

/// True when it passes in one piece; in pieces of any size it must be the same.
bool passes(std::string_view bytes, std::size_t most) {
  PacketGuard whole(most);
  const bool verdict = whole.lets_pass(bytes);
  for (const std::size_t piece : {1, 2, 3, 7}) {
    PacketGuard guard(most);
    bool passed = true;
    for (std::size_t at = 0; at < bytes.size() && passed; at += piece)
      passed = guard.lets_pass(bytes.substr(at, piece));
    CHECK(passed == verdict);
  }
  return verdict;
}

}  // namespace

TEST_CASE("packet guard: packets up to the limit pass, one after the other") {
  std::string stream;
  for (const std::size_t length : {0, 2, 127, 128, 300, 16'383, 16'384, 20'000})
    stream += packet('\x40', length);
  CHECK(passes(stream, 20'000));
  CHECK_FALSE(passes(stream, 19'999));
}

TEST_CASE("packet guard: a header that claims 256 MB is stopped before anything follows it") {
  const std::string ack = packet('\x40', 2);
  CHECK_FALSE(passes(ack + "\x30\xFF\xFF\xFF\x7F", 64 << 10));
  CHECK_FALSE(passes(ack + "\x30\x80\x80\x80\x80", 268'435'455));  // a length of more than four bytes
  CHECK(passes(ack + "\x30\xFF\xFF\xFF\x7F", 268'435'455));
}

TEST_CASE("packet guard: what speaks another protocol is stopped as soon as it claims too much") {
  CHECK_FALSE(passes("HTTP/1.1 400 Bad Request\r\n\r\n" + std::string(2000, '\xE5'), 64 << 10));
}
