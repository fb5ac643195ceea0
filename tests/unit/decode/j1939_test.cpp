// SPDX-License-Identifier: Apache-2.0
#include "agent/decode/j1939.h"

#include <doctest/doctest.h>

#include "tests/unit/decode/dbc_builder.h"

namespace outrider {
namespace {

constexpr std::uint32_t kEec1 = 0x0CF004FE;  // as DBC files write it: placeholder priority and source

DbcMessage engine_message() {
  return j1939_message(
      "EEC1", kEec1,
      {signal_of("EngineSpeed", 24, 16, "@1+", "0.125"), signal_of("TorqueMode", 0, 4, "@1+"),
       signal_of("DriverTorque", 8, 8, "@1+", "1", "-125")});
}

TEST_CASE("j1939: the parameter group leaves out a destination, not a group extension") {
  CHECK(pgn_of(0x0CF00400) == 0xF004);
  CHECK(pgn_of(0x18EA00F9) == 0xEA00);
  CHECK(pgn_of(0x18EAFFF9) == 0xEA00);
  CHECK(pgn_of(0x11FC1063) == 0x1FC10);
  CHECK(pgn_of(0x1DEFFF01) == 0x1EF00);
}

TEST_CASE("j1939: frames match by group, whatever priority and source, and say who sent them") {
  Decoder decoder = decoder_of({engine_message()});
  const DecodedFrame decoded = decoder.decode(frame_of(0x08F00421, {0xF0, 125, 0, 0x68, 0x13, 0, 0, 0}));
  REQUIRE(decoded.message == 0);
  CHECK(decoded.source_address == 0x21);
  REQUIRE(decoded.values.size() == 3);
  CHECK(decoded.values[0].value == 621);
  CHECK(decoder.decode(frame_of(0x0CF00521, {0})).message == -1);
}

TEST_CASE("j1939: not-available and error codes are absent and counted") {
  Decoder decoder = decoder_of({engine_message()});
  CHECK(decode_all(decoder, frame_of(kEec1, {0x0F, 0xFF, 0, 0xFF, 0xFF, 0, 0, 0})).empty());
  CHECK(decoder.counters().unavailable == 3);
  CHECK(decode_all(decoder, frame_of(kEec1, {0x0E, 0xFE, 0, 0xFF, 0xFE, 0, 0, 0})).empty());
  CHECK(decode_all(decoder, frame_of(kEec1, {0x0D, 0xFB, 0, 0x00, 0xFB, 0, 0, 0})) ==
        NamedValues{{"TorqueMode", 13}});
  CHECK(decode_all(decoder, frame_of(kEec1, {0x0D, 0xFA, 0, 0xFF, 0xFA, 0, 0, 0})) ==
        NamedValues{{"EngineSpeed", 8031.875}, {"TorqueMode", 13}, {"DriverTorque", 125}});
}

TEST_CASE("j1939: the last value of each width is the standard's") {
  constexpr std::uint32_t kGroup = 0xF004;
  const auto last = [](unsigned width, std::string_view kind, std::uint32_t pgn) {
    return last_value(signal_of("S", 0, width, kind), pgn);
  };
  CHECK_FALSE(last(1, "@1+", kGroup));
  CHECK(last(2, "@1+", kGroup) == 1);
  CHECK(last(3, "@1+", kGroup) == 5);
  CHECK(last(4, "@1+", kGroup) == 13);
  CHECK(last(8, "@1+", kGroup) == 250);
  CHECK(last(10, "@1+", kGroup) == 1003);
  CHECK(last(16, "@1+", kGroup) == 0xFAFF);
  CHECK(last(32, "@1+", kGroup) == 0xFAFFFFFF);
  CHECK_FALSE(last(40, "@1+", kGroup));
  CHECK_FALSE(last(64, "@1+", kGroup));
  CHECK(last(16, "@1-", kGroup) == 0xFFFD);  // offset binary of 0x7FFD
  CHECK_FALSE(last_value(as_selector(signal_of("S", 0, 8, "@1+")), kGroup));

  constexpr std::uint32_t kMarine = 0x1F801;
  CHECK_FALSE(last(1, "@1+", kMarine));
  CHECK(last(2, "@1+", kMarine) == 2);
  CHECK(last(3, "@1+", kMarine) == 5);
  CHECK(last(8, "@1+", kMarine) == 253);
  CHECK(last(16, "@1+", kMarine) == 65533);
  CHECK(last(64, "@1-", kMarine) == ~0ULL - 2);
  CHECK_FALSE(last(2, "@1-", kMarine));
  CHECK(last(3, "@1-", kMarine) == 6);
}

TEST_CASE("j1939: the codes of signed and 64-bit NMEA 2000 fields are absent") {
  Decoder decoder =
      decoder_of({j1939_message("Position", 0x09F801FE,
                                {signal_of("Latitude", 0, 32, "@1-", "0.0000001"),
                                 signal_of("Longitude", 32, 32, "@1-", "0.0000001")}),
                  j1939_message("Wide", 0x0DF805FE, {signal_of("Altitude", 0, 64, "@1-", "0.000001")})});
  CHECK(decode_all(decoder, frame_of(0x09F80101, {0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF})) ==
        NamedValues{{"Longitude", -0.0000001}});
  CHECK(decode_all(decoder, frame_of(0x09F80101, {0xFE, 0xFF, 0xFF, 0x7F, 0, 0, 0, 0x80})) ==
        NamedValues{{"Longitude", -214.7483648}});
  CHECK(decode_all(decoder, frame_of(0x0DF80501, {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F})).empty());
  CHECK(decode_all(decoder, frame_of(0x0DF80501, {0xC0, 0xBD, 0xF0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF})) ==
        NamedValues{{"Altitude", -1.0}});
}

TEST_CASE("j1939: a selector keeps its largest value, which names a case") {
  Decoder decoder = decoder_of({j1939_message("TpCm", 0x18ECFFFE,
                                              {as_selector(signal_of("Control", 0, 8, "@1+")),
                                               under(0, {{255, 255}}, signal_of("Reason", 8, 8, "@1+"))})});
  CHECK(decode_all(decoder, frame_of(0x18EC2100, {0xFF, 3, 0, 0, 0, 0, 0, 0})) ==
        NamedValues{{"Control", 255}, {"Reason", 3}});
}

TEST_CASE("j1939: messages of one group are told apart by sender, others get the first") {
  DbcMessage first = j1939_message("Engine1", 0x0CF00400, {signal_of("A", 0, 8, "@1+")});
  DbcMessage second = j1939_message("Engine2", 0x0CF00401, {signal_of("B", 0, 8, "@1+")});
  DbcMessage again = j1939_message("Again", 0x18F00401, {signal_of("C", 0, 8, "@1+")});
  Decoder decoder = decoder_of({first, second, again});
  CHECK(decode_all(decoder, frame_of(0x18F00401, {7})) == NamedValues{{"B", 7}});
  CHECK(decode_all(decoder, frame_of(0x18F00400, {7})) == NamedValues{{"A", 7}});
  CHECK(decode_all(decoder, frame_of(0x18F00455, {7})) == NamedValues{{"A", 7}});
  CHECK(decoder.warnings().size() == 1);
}

TEST_CASE("j1939: matching can be forced to the whole identifier or to the group") {
  Decoder exact = decoder_of({engine_message()}, IdMatching::kExact);
  CHECK(exact.decode(frame_of(0x0CF00421, {0})).message == -1);
  const DecodedFrame whole = exact.decode(frame_of(kEec1, {0, 0, 0, 0xFF, 0xFF}));
  CHECK(whole.message == 0);
  CHECK(whole.source_address == -1);
  CHECK(whole.values[0].value == 8191.875);  // no parameter groups, no codes

  Decoder grouped = decoder_of({message_of("X", kEec1, 8, {signal_of("A", 0, 8, "@1+")})}, IdMatching::kPgn);
  CHECK(decode_all(grouped, frame_of(0x0CF00421, {7})) == NamedValues{{"A", 7}});
}

TEST_CASE("j1939: a whole identifier goes before a parameter group") {
  Decoder decoder =
      decoder_of({engine_message(), message_of("Own", 0x0CF00442, 8, {signal_of("A", 0, 8, "@1+")})});
  CHECK(decode_all(decoder, frame_of(0x0CF00442, {7})) == NamedValues{{"A", 7}});
  CHECK(decoder.decode(frame_of(0x0CF00443, {7})).source_address == 0x43);
}

}  // namespace
}  // namespace outrider
