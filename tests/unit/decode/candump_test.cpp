// SPDX-License-Identifier: Apache-2.0
#include "agent/decode/candump.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

namespace outrider {
namespace {

std::vector<std::uint8_t> bytes_of(const CanFrame& frame) {
  return {frame.payload().begin(), frame.payload().end()};
}

CandumpJunk junk_of(std::string_view line) {
  CandumpJunk why = CandumpJunk::kNone;
  CHECK_FALSE(parse_candump_line(line, &why));
  return why;
}

TEST_CASE("candump: the frames that candump says it missed are counted, and nothing else is taken for that") {
  const auto drops =
      parse_candump_drops("DROPCOUNT: dropped 12 CAN frames on 'can0' socket (total drops 99)");
  REQUIRE(drops);
  CHECK(drops->frames == 12);
  CHECK(drops->interface == "can0");
  CHECK(parse_candump_drops("DROPCOUNT: dropped 1 CAN frame on 'vcan10' socket (total drops 1)\r")->frames ==
        1);
  for (const char* other : {"", "DROPCOUNT:", "DROPCOUNT: dropped many CAN frames on 'can0'",
                            "DROPCOUNT: dropped 3", "(1745600961.335462) can0 1F0#C00600"})
    CHECK_FALSE(parse_candump_drops(other));
}

TEST_CASE("candump: a classic line gives stamp, interface, identifier and data") {
  CandumpJunk why = CandumpJunk::kBroken;
  const auto line = parse_candump_line("(1436509052.249713) can0 123#DEADbeef", &why);
  REQUIRE(line);
  CHECK(why == CandumpJunk::kNone);
  CHECK(line->frame.time == BootTime(nanoseconds(1436509052249713000)));
  CHECK(line->fraction_digits == 6);
  CHECK(line->interface == "can0");
  CHECK(line->frame.id == 0x123);
  CHECK(line->frame.flags == 0);
  CHECK(bytes_of(line->frame) == std::vector<std::uint8_t>{0xDE, 0xAD, 0xBE, 0xEF});
}

TEST_CASE("candump: eight digits are a 29-bit identifier, or an error frame when its bit is set") {
  const auto extended = parse_candump_line("(1745600961.335462) can0 11FC1063#003DFFFF02000100");
  REQUIRE(extended);
  CHECK(extended->frame.id == 0x11FC1063);
  CHECK(extended->frame.flags == CanFrame::kExtended);
  const auto error = parse_candump_line("(1.000000) can0 20000080#0000000000000000");
  REQUIRE(error);
  CHECK(error->frame.id == 0x80);
  CHECK(error->frame.flags == CanFrame::kError);
  const auto flagged =
      parse_candump_line("(1.000000) can0 91FC1063#00");  // written with the kernel's extended bit
  REQUIRE(flagged);
  CHECK(flagged->frame.id == 0x11FC1063);
  CHECK(flagged->frame.flags == CanFrame::kExtended);
}

TEST_CASE("candump: stamps may have nine digits, padding zeros, or start at the log's own zero") {
  const auto nano = parse_candump_line("(1436509052.249713123) can0 123#00");
  REQUIRE(nano);
  CHECK(nano->fraction_digits == 9);
  CHECK(nano->frame.time == BootTime(nanoseconds(1436509052249713123)));
  CHECK(parse_candump_line("(0000000000.352000) can0 123#00")->frame.time ==
        BootTime(nanoseconds(352000000)));
  CHECK(parse_candump_line("(166.000000) vcan0 21A#FE")->frame.time == BootTime(nanoseconds(166000000000)));
}

TEST_CASE("candump: padded interface names, dots between bytes, directions and line ends are taken") {
  CHECK(parse_candump_line("(1.000000)   vcan0  123#00")->interface == "vcan0");
  CHECK(bytes_of(parse_candump_line("(1.000000) can0 123#11.22.33")->frame) ==
        std::vector<std::uint8_t>{0x11, 0x22, 0x33});
  for (const char* line : {"(1.000000) can0 123#11 R", "(1.000000) can0 123#11 T", "(1.000000) can0 123#11\r",
                           "(1.000000) can0 123#11 T\r\n", "(1.000000)\tcan0\t123#11  "})
    CHECK(bytes_of(parse_candump_line(line)->frame) == std::vector<std::uint8_t>{0x11});
  CHECK(parse_candump_line("(1.000000) can0 123#")->frame.length == 0);
}

TEST_CASE("candump: remote frames have a length and no data") {
  CHECK(parse_candump_line("(1.000000) can0 123#R")->frame.length == 0);
  const auto remote = parse_candump_line("(1.000000) can0 00000123#R8");
  REQUIRE(remote);
  CHECK(remote->frame.length == 8);
  CHECK(remote->frame.flags == (CanFrame::kRemote | CanFrame::kExtended));
  CHECK(parse_candump_line("(1.000000) can0 123#R8_B")->frame.length == 8);
  CHECK(junk_of("(1.000000) can0 123#R9") == CandumpJunk::kBroken);
}

TEST_CASE("candump: FD frames have a flags digit and up to 64 bytes") {
  const auto line = parse_candump_line("(1.000000) can0 123##3" + std::string(128, 'A'));
  REQUIRE(line);
  CHECK(line->frame.flags == (CanFrame::kFd | CanFrame::kBitRateSwitch | CanFrame::kErrorState));
  CHECK(line->frame.length == 64);
  CHECK(line->frame.data[63] == 0xAA);
  CHECK(parse_candump_line("(1.000000) can0 123##5001122")->frame.flags ==
        (CanFrame::kFd | CanFrame::kBitRateSwitch));
  CHECK(parse_candump_line("(1.000000) can0 123##0")->frame.length == 0);
  CHECK(junk_of("(1.000000) can0 123##3" + std::string(130, 'A')) == CandumpJunk::kBroken);
  CHECK(junk_of("(1.000000) can0 123##") == CandumpJunk::kBroken);
}

TEST_CASE("candump: a raw length code follows eight bytes and changes none") {
  CHECK(parse_candump_line("(1.000000) can0 123#1122334455667788_9")->frame.length == 8);
  CHECK(parse_candump_line("(1.000000) can0 123#1122334455667788_F R")->frame.length == 8);
  CHECK(junk_of("(1.000000) can0 123#1122334455667788_8") == CandumpJunk::kBroken);
  CHECK(junk_of("(1.000000) can0 123#11_9") == CandumpJunk::kBroken);
}

TEST_CASE("candump: lines that are no frames say why") {
  CHECK(junk_of("") == CandumpJunk::kBlank);
  CHECK(junk_of(" \t\r") == CandumpJunk::kBlank);
  CHECK(junk_of("DROPCOUNT: dropped 12 CAN frames on 'can0' socket (total drops 12)") ==
        CandumpJunk::kComment);
  CHECK(junk_of("# recorded on a Tuesday") == CandumpJunk::kComment);
  CHECK(junk_of("  can0  1F0   [8]  C0 06 00 00 00 00 00 00") == CandumpJunk::kComment);
  CHECK(junk_of("(1.000000) can0 45123#81:00:12345678#11223344") == CandumpJunk::kUnsupported);
}

TEST_CASE("candump: what begins like a frame and is not one is broken") {
  for (const char* line : {"(",
                           "(1",
                           "(1.",
                           "(1.5",
                           "(1.000000)",
                           "(1.000000) ",
                           "(1.000000) can0",
                           "(1.000000) can0 ",
                           "(1.000000) can0 123",
                           "(1.000000) can0 12#00",
                           "(1.000000) can0 1234#00",
                           "(1.000000) can0 123456789#00",
                           "(1.000000) can0 800#00",
                           "(1.000000) can0 123#0",
                           "(1.000000) can0 123#0G",
                           "(1.000000) can0 123#001122334455667788",
                           "(1.000000) can0 123#00 X",
                           "(1.000000) can0 123#00 RT",
                           "(1000000) can0 123#00",
                           "(-1.000000) can0 123#00",
                           "(-0.500000) can0 123#00",
                           "(1.0000000000) can0 123#00",
                           "(99999999999999999999.000000) can0 123#00",
                           "(9999999999.000000) can0 123#00",
                           "(x.000000) can0 123#00",
                           "(1.000000) can0 41FC1063#00",
                           "(1.000000) can0 123   [4]  DE AD BE EF"})
    CHECK_MESSAGE(junk_of(line) == CandumpJunk::kBroken, line);
}

TEST_CASE("candump: a written line reads back as the same frame") {
  std::mt19937_64 random(7);
  for (int i = 0; i < 2000; ++i) {
    CanFrame frame;
    frame.time = BootTime(nanoseconds(random() % 4'000'000'000'000'000'000));
    const bool is_extended = i % 2 == 0;
    const bool is_fd = i % 3 == 0;
    frame.id = static_cast<std::uint32_t>(random()) & (is_extended ? 0x1FFFFFFF : 0x7FF);
    frame.flags =
        static_cast<std::uint8_t>((is_extended ? CanFrame::kExtended : 0) | (is_fd ? CanFrame::kFd : 0));
    if (is_fd && i % 5 == 0) frame.flags |= CanFrame::kBitRateSwitch;
    if (is_fd && i % 7 == 0) frame.flags |= CanFrame::kErrorState;
    if (!is_fd && i % 11 == 0) frame.flags |= CanFrame::kRemote;
    frame.length = static_cast<std::uint8_t>(random() % (is_fd ? 65 : 9));
    if (!frame.is(CanFrame::kRemote))
      for (std::size_t at = 0; at < frame.length; ++at) frame.data[at] = static_cast<std::uint8_t>(random());
    const std::string text = candump_line(frame, "can1", 9);
    const auto line = parse_candump_line(text);
    REQUIRE_MESSAGE(line, text);
    REQUIRE(line->interface == "can1");
    REQUIRE(line->frame.time == frame.time);
    REQUIRE(line->frame.id == frame.id);
    REQUIRE(line->frame.flags == frame.flags);
    REQUIRE(line->frame.length == frame.length);
    REQUIRE(line->frame.data == frame.data);
  }
}

TEST_CASE("candump: lines are written as candump -L writes them") {
  for (const char* text : {"(1436509052.249713) can0 123#DEADBEEF", "(0000000000.352000) vcan0 00000123#",
                           "(1436509052.249713) can0 123#R", "(1436509052.249713) can0 123#R4",
                           "(1436509052.249713) can0 20000080#0011", "(1436509052.249713) can0 123##1AABB"})
    CHECK(candump_line(parse_candump_line(text)->frame, parse_candump_line(text)->interface) == text);
}

}  // namespace
}  // namespace outrider
