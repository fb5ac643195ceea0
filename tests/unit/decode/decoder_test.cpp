// SPDX-License-Identifier: Apache-2.0
#include "agent/decode/decoder.h"

#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "tests/unit/decode/dbc_builder.h"

namespace outrider {
namespace {

const std::vector<std::uint8_t> kOneToEight{1, 2, 3, 4, 5, 6, 7, 8};

/// The value of a message's only signal.
double only_value(const DbcSignal& signal, const std::vector<std::uint8_t>& bytes) {
  Decoder decoder = decoder_of({message_of("M", 0x100, static_cast<std::uint16_t>(bytes.size()), {signal})});
  const DecodedFrame decoded = decoder.decode(frame_of(0x100, bytes));
  REQUIRE(decoded.values.size() == 1);
  return decoded.values[0].value;
}

TEST_CASE("decode: the worked cases on which independent decoders agree come out the same") {
  CHECK(only_value(signal_of("S", 7, 16, "@0+"), kOneToEight) == 258);
  CHECK(only_value(signal_of("S", 3, 12, "@0+"), kOneToEight) == 258);
  CHECK(only_value(signal_of("S", 4, 12, "@1+"), kOneToEight) == 32);
  CHECK(only_value(signal_of("S", 0, 12, "@1-", "0.5", "10"), {0x00, 0x0F}) == -118);
  CHECK(only_value(signal_of("S", 0, 1, "@1-"), {0x01}) == -1);
  CHECK(only_value(signal_of("S", 0, 64, "@1+"), std::vector<std::uint8_t>(8, 0xFF)) ==
        18446744073709551616.0);
  CHECK(only_value(signal_of("S", 0, 64, "@1-"), std::vector<std::uint8_t>(8, 0xFF)) == -1);
}

TEST_CASE("decode: a decimal factor gives the double nearest to the true decimal value") {
  CHECK(only_value(signal_of("S", 0, 8, "@1+", "0.1"), {3}) == 0.3);
  CHECK(3 * 0.1 != 0.3);  // what a plain product would have given
  CHECK(only_value(signal_of("S", 0, 16, "@1-", "0.01", "-327.68"), {0x01, 0x80}) == -655.35);
  CHECK(only_value(signal_of("S", 0, 32, "@1-", "0.0000001"), {0xEF, 0xBE, 0xAD, 0x1E}) == 51.4703087);
  CHECK(only_value(signal_of("S", 0, 8, "@1+", "-40.0", "1"), {2}) == -79);
  CHECK(only_value(signal_of("S", 0, 8, "@1+", "0", "7"), {2}) == 7);
}

TEST_CASE("decode: where the decimals do not fit, the value is raw * factor + offset") {
  DbcSignal tiny = signal_of("S", 0, 16, "@1-");
  tiny.factor = {1e-20, 0, 0, false};
  CHECK(only_value(tiny, {0xFE, 0xFF}) == doctest::Approx(-2e-20));
  CHECK(only_value(signal_of("S", 0, 32, "@1-", "0.000123456789", "5"), {0xFE, 0xFF, 0xFF, 0xFF}) ==
        doctest::Approx(5 - 2 * 0.000123456789).epsilon(1e-15));
}

TEST_CASE("decode: the decimals of a slot are as many as its values need when printed") {
  const auto decimals_of = [](const std::string& factor, const std::string& offset) {
    const Decoder decoder =
        decoder_of({message_of("M", 1, 8, {signal_of("S", 0, 8, "@1+", factor, offset)})});
    return decoder.slot(0).decimals;
  };
  CHECK(decimals_of("1", "0") == 0);
  CHECK(decimals_of("0.10", "0") == 1);
  CHECK(decimals_of("0.0625", "0") == 4);
  CHECK(decimals_of("1", "-0.25") == 2);
}

TEST_CASE("decode: IEEE signals are scaled like others and absent when not finite") {
  DbcSignal single = signal_of("F", 0, 32, "@1+", "2", "1");
  single.type = ValueType::kFloat32;
  DbcSignal twice = signal_of("D", 39, 64, "@0+");
  twice.type = ValueType::kFloat64;
  Decoder decoder = decoder_of({message_of("M", 1, 12, {single, twice})});
  CHECK(decode_all(decoder, frame_of(1, {0, 0, 0x60, 0x40, 0x40, 0x09, 0x21, 0xFB, 0x54, 0x44, 0x2D,
                                         0x18})) == NamedValues{{"F", 8.0}, {"D", 3.141592653589793}});
  CHECK(decode_all(decoder, frame_of(1, {0, 0, 0xC0, 0x7F, 0x7F, 0xF0, 0, 0, 0, 0, 0, 0})).empty());
  CHECK(decoder.counters().not_finite == 2);
}

TEST_CASE("decode: a value that overflows a double is absent") {
  DbcSignal huge = signal_of("S", 0, 16, "@1+");
  huge.factor = {1e305, 0, 0, false};
  Decoder decoder = decoder_of({message_of("M", 1, 2, {huge})});
  CHECK(decode_all(decoder, frame_of(1, {1, 0})) == NamedValues{{"S", 1e305}});
  CHECK(decode_all(decoder, frame_of(1, {0xFF, 0xFF})).empty());
  CHECK(decoder.counters().not_finite == 1);
}

TEST_CASE("decode: a short frame gives the signals that fit, a long one all of them") {
  Decoder decoder =
      decoder_of({message_of("M", 1, 4,
                             {signal_of("A", 0, 8, "@1+"), signal_of("B", 15, 16, "@0+"),
                              signal_of("C", 8, 8, "@1+"), signal_of("D", 24, 8, "@1+", "0.1")})});
  CHECK(decode_all(decoder, frame_of(1, {1, 2})) == NamedValues{{"A", 1}, {"C", 2}});
  CHECK(decoder.counters().short_signals == 2);
  CHECK(decode_all(decoder, frame_of(1, {})).empty());
  CHECK(decoder.counters().short_signals == 6);
  CHECK(decode_all(decoder, frame_of(1, {1, 2, 3, 4, 5})) ==
        NamedValues{{"A", 1}, {"B", 0x0203}, {"C", 2}, {"D", 0.4}});
  CHECK(decoder.counters().short_signals == 6);
}

TEST_CASE("decode: a signal past the declared length is read from frames that have it") {
  Decoder decoder =
      decoder_of({message_of("M", 1, 1, {signal_of("A", 0, 8, "@1+"), signal_of("B", 8, 8, "@1+")})});
  CHECK(decode_all(decoder, frame_of(1, {1})) == NamedValues{{"A", 1}});
  CHECK(decode_all(decoder, frame_of(1, {1, 2})) == NamedValues{{"A", 1}, {"B", 2}});
}

TEST_CASE("decode: a signal past byte 64 is never there and reads nothing outside the frame") {
  Decoder decoder = decoder_of(
      {message_of("M", 1, 1785, {signal_of("Far", 8000, 64, "@1+"), signal_of("A", 0, 8, "@1+")})});
  CHECK(decode_all(decoder, frame_of(1, std::vector<std::uint8_t>(64, 7))) == NamedValues{{"A", 7}});
  CHECK(decoder.counters().short_signals == 1);
}

TEST_CASE("decode: only wanted signals have slots, in the order of the files") {
  const auto dbc = dbc_of({message_of("M", 1, 8, {signal_of("A", 0, 8, "@1+"), signal_of("B", 8, 8, "@1+")}),
                           message_of("N", 2, 8, {signal_of("C", 0, 8, "@1+")}),
                           message_of("O", 3, 8, {signal_of("D", 0, 8, "@1+")})});
  Decoder decoder({dbc}, IdMatching::kAuto, [](const DbcMessage& message, const DbcSignal& signal) {
    return signal.name == "B" || message.name == "O";
  });
  REQUIRE(decoder.slot_count() == 2);
  CHECK(decoder.slot(0).signal->name == "B");
  CHECK(decoder.slot(1).message->name == "O");
  CHECK(decode_all(decoder, frame_of(1, {1, 2})) == NamedValues{{"B", 2}});
  CHECK(decoder.decode(frame_of(2, {1})).message == -1);
  const DecodedFrame last = decoder.decode(frame_of(3, {9}));
  CHECK(decoder.message(last.message).name == "O");
  CHECK(decoder.slots_of(last.message) == std::pair<std::uint32_t, std::uint32_t>{1, 1});
  CHECK(decoder.counters().frames == 3);
  CHECK(decoder.counters().matched == 2);
}

TEST_CASE("decode: error and remote frames are counted and hold no values") {
  Decoder decoder = decoder_of({message_of("M", 1, 8, {signal_of("A", 0, 8, "@1+")})});
  CanFrame frame = frame_of(1, {1});
  frame.flags = CanFrame::kRemote;
  CHECK(decoder.decode(frame).message == -1);
  frame.flags = CanFrame::kError;
  CHECK(decoder.decode(frame).message == -1);
  frame.id = 2;
  frame.flags = CanFrame::kRemote;
  CHECK(decoder.decode(frame).message == -1);
  CHECK(decoder.counters().remote == 1);
  CHECK(decoder.counters().errors == 1);
  CHECK(decoder.counters().matched == 0);
}

TEST_CASE("decode: on equal identifiers the first file wins and a warning names both") {
  const auto first = dbc_of({message_of("M", 1, 8, {signal_of("A", 0, 8, "@1+")})}, "first.dbc");
  const auto second = dbc_of({message_of("N", 1, 8, {signal_of("B", 0, 8, "@1+")})}, "second.dbc");
  Decoder decoder({first, second}, IdMatching::kAuto, all_wanted);
  CHECK(decode_all(decoder, frame_of(1, {5})) == NamedValues{{"A", 5}});
  CHECK(decoder.slot_count() == 1);
  REQUIRE(decoder.warnings().size() == 1);
  CHECK(decoder.warnings()[0].find("second.dbc:0: message N") != std::string::npos);
  CHECK(decoder.warnings()[0].find("identifier as M,") != std::string::npos);
}

TEST_CASE("decode: an 11-bit and a 29-bit identifier of the same number are two messages") {
  DbcMessage extended = message_of("X", 0x100, 8, {signal_of("B", 0, 8, "@1+")});
  extended.is_extended = true;
  Decoder decoder = decoder_of({message_of("M", 0x100, 8, {signal_of("A", 0, 8, "@1+")}), extended});
  CanFrame frame = frame_of(0x100, {5});
  CHECK(decode_all(decoder, frame) == NamedValues{{"A", 5}});
  frame.flags = CanFrame::kExtended;
  CHECK(decode_all(decoder, frame) == NamedValues{{"B", 5}});
}

TEST_CASE("decode: thousands of 29-bit identifiers are all found and others are not") {
  std::vector<DbcMessage> messages;
  for (std::uint32_t i = 0; i < 3000; ++i)
    messages.push_back(message_of("M", 0x10000000 + i * 0x101, 8, {signal_of("A", 0, 8, "@1+")}));
  Decoder decoder = decoder_of(messages);
  for (std::uint32_t i = 0; i < 3000; ++i) {
    REQUIRE(decoder.decode(frame_of(0x10000000 + i * 0x101, {1})).message == static_cast<std::int32_t>(i));
    REQUIRE(decoder.decode(frame_of(0x10000001 + i * 0x101, {1})).message == -1);
  }
}

TEST_CASE("decode: a signal that cannot exist is left out with a warning and the others stay") {
  DbcSignal broken = signal_of("F", 0, 16, "@1+");
  broken.type = ValueType::kFloat32;
  DbcSignal empty = signal_of("E", 0, 1, "@1+");
  empty.width = 0;
  Decoder decoder = decoder_of({message_of("M", 1, 8, {broken, empty, signal_of("A", 0, 8, "@1+")})});
  CHECK(decode_all(decoder, frame_of(1, {5, 0})) == NamedValues{{"A", 5}});
  CHECK(decoder.warnings().size() == 2);
}

}  // namespace
}  // namespace outrider
