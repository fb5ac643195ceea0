// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "tests/unit/decode/dbc_builder.h"

namespace outrider {
namespace {

Decoder simple_multiplex() {
  return decoder_of(
      {message_of("M", 1, 4,
                  {signal_of("Plain", 0, 8, "@1+"), as_selector(signal_of("Which", 8, 8, "@1+", "2", "100")),
                   under(1, {{0, 0}}, signal_of("Zero", 16, 8, "@1+")),
                   under(1, {{1, 1}, {5, 7}}, signal_of("Some", 16, 8, "@1-")),
                   under(1, {{255, 255}}, signal_of("Last", 23, 16, "@0+"))})});
}

TEST_CASE("multiplex: a signal is there when the raw selector has one of its values") {
  Decoder decoder = simple_multiplex();
  CHECK(decode_all(decoder, frame_of(1, {1, 0, 9, 9})) ==
        NamedValues{{"Plain", 1}, {"Which", 100}, {"Zero", 9}});
  CHECK(decode_all(decoder, frame_of(1, {1, 1, 0xFF, 9})) ==
        NamedValues{{"Plain", 1}, {"Which", 102}, {"Some", -1}});
  CHECK(decode_all(decoder, frame_of(1, {1, 6, 2, 9})) ==
        NamedValues{{"Plain", 1}, {"Which", 112}, {"Some", 2}});
  CHECK(decode_all(decoder, frame_of(1, {1, 255, 1, 2})) ==
        NamedValues{{"Plain", 1}, {"Which", 610}, {"Last", 258}});
}

TEST_CASE("multiplex: a selector value without a case leaves the plain signals") {
  Decoder decoder = simple_multiplex();
  for (const int value : {2, 4, 8, 254})
    CHECK(decode_all(decoder, frame_of(1, {1, static_cast<std::uint8_t>(value), 9, 9})) ==
          NamedValues{{"Plain", 1}, {"Which", 100.0 + 2 * value}});
}

TEST_CASE("multiplex: a frame too short for the selector has only plain signals that fit") {
  Decoder decoder = simple_multiplex();
  CHECK(decode_all(decoder, frame_of(1, {1})) == NamedValues{{"Plain", 1}});
  CHECK(decode_all(decoder, frame_of(1, {1, 0})) == NamedValues{{"Plain", 1}, {"Which", 100}});
}

TEST_CASE("multiplex: an unwanted selector still decides") {
  const auto dbc = dbc_of({message_of(
      "M", 1, 2,
      {as_selector(signal_of("Which", 0, 8, "@1+")), under(0, {{3, 3}}, signal_of("Three", 8, 8, "@1+"))})});
  Decoder decoder({dbc}, IdMatching::kAuto,
                  [](const DbcMessage&, const DbcSignal& signal) { return !signal.is_selector; });
  CHECK(decode_all(decoder, frame_of(1, {3, 8})) == NamedValues{{"Three", 8}});
  CHECK(decode_all(decoder, frame_of(1, {4, 8})).empty());
}

TEST_CASE("multiplex: nested selectors need every selector above them") {
  Decoder decoder = decoder_of({message_of("M", 1, 4,
                                           {as_selector(signal_of("Outer", 0, 8, "@1+")),
                                            under(0, {{1, 2}}, as_selector(signal_of("Inner", 8, 8, "@1+"))),
                                            under(1, {{7, 7}}, signal_of("Deep", 16, 8, "@1+")),
                                            under(0, {{2, 2}}, signal_of("Two", 16, 8, "@1+"))})});
  CHECK(decode_all(decoder, frame_of(1, {1, 7, 5, 0})) ==
        NamedValues{{"Outer", 1}, {"Inner", 7}, {"Deep", 5}});
  CHECK(decode_all(decoder, frame_of(1, {1, 8, 5, 0})) == NamedValues{{"Outer", 1}, {"Inner", 8}});
  CHECK(decode_all(decoder, frame_of(1, {2, 7, 5, 0})) ==
        NamedValues{{"Outer", 2}, {"Inner", 7}, {"Deep", 5}, {"Two", 5}});
  CHECK(decode_all(decoder, frame_of(1, {3, 7, 5, 0})) == NamedValues{{"Outer", 3}});
}

TEST_CASE("multiplex: two independent selectors each rule their own signals") {
  Decoder decoder = decoder_of({message_of(
      "M", 1, 4,
      {as_selector(signal_of("A", 0, 4, "@1+")), as_selector(signal_of("B", 4, 4, "@1+")),
       under(0, {{1, 1}}, signal_of("A1", 8, 8, "@1+")), under(0, {{2, 2}}, signal_of("A2", 8, 8, "@1+")),
       under(1, {{1, 1}}, signal_of("B1", 16, 8, "@1+")),
       under(1, {{2, 15}}, signal_of("B2", 16, 16, "@1+"))})});
  CHECK(decode_all(decoder, frame_of(1, {0x11, 5, 6, 0})) ==
        NamedValues{{"A", 1}, {"B", 1}, {"A1", 5}, {"B1", 6}});
  CHECK(decode_all(decoder, frame_of(1, {0xF2, 5, 6, 1})) ==
        NamedValues{{"A", 2}, {"B", 15}, {"A2", 5}, {"B2", 262}});
  CHECK(decode_all(decoder, frame_of(1, {0xF2, 5, 6})) == NamedValues{{"A", 2}, {"B", 15}, {"A2", 5}});
  CHECK(decoder.counters().short_signals == 1);
}

TEST_CASE("multiplex: the selector's largest value is a case like any other") {
  Decoder decoder = decoder_of({message_of("M", 1, 8,
                                           {as_selector(signal_of("Wide", 0, 64, "@1+")),
                                            under(0, {{~0ULL, ~0ULL}}, signal_of("Top", 0, 8, "@1+"))})});
  CHECK(decode_all(decoder, frame_of(1, std::vector<std::uint8_t>(8, 0xFF))).size() == 2);
  CHECK(decode_all(decoder, frame_of(1, std::vector<std::uint8_t>(8, 0x7F))).size() == 1);
}

TEST_CASE("multiplex: selectors that depend on themselves or do not exist cost only their signals") {
  Decoder decoder = decoder_of({message_of(
      "M", 1, 8,
      {under(1, {{0, 0}}, signal_of("A", 0, 8, "@1+")), under(0, {{0, 0}}, signal_of("B", 0, 8, "@1+")),
       under(9, {{0, 0}}, signal_of("C", 0, 8, "@1+")), signal_of("D", 0, 8, "@1+")})});
  CHECK(decode_all(decoder, frame_of(1, {0})) == NamedValues{{"D", 0}});
  CHECK(decoder.warnings().size() == 3);
}

}  // namespace
}  // namespace outrider
