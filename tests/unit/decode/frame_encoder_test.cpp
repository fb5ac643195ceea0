// SPDX-License-Identifier: Apache-2.0
#include "agent/decode/frame_encoder.h"

#include <doctest/doctest.h>

#include <array>

#include "tests/unit/decode/dbc_builder.h"

namespace outrider {
namespace {

using SignalValue = FrameEncoder::SignalValue;

TEST_CASE("frame encoder: a frame holds the given signals and zero elsewhere, and decodes to the same") {
  DbcMessage message = message_of(
      "ENGINE", 0x0CF004FE, 8,
      {signal_of("Speed", 24, 16, "@1+", "0.125"), signal_of("Torque", 16, 8, "@1+", "1", "-125")});
  message.short_name = "ENG";
  const auto dbc = dbc_of({message});
  const DbcFrameEncoder encoder({dbc});
  const std::array<SignalValue, 2> values{{{"Speed", 1500.25}, {"Unknown", 3}}};
  const auto frame = encoder.encode("ENGINE", values);
  REQUIRE(frame);
  CHECK(frame->id == 0x0CF004FE);
  CHECK(frame->flags == CanFrame::kExtended);
  CHECK(frame->length == 8);
  CHECK(encoder.encode("ENG", values)->data == frame->data);
  Decoder decoder({dbc}, IdMatching::kAuto, all_wanted);
  CHECK(decode_all(decoder, *frame) == NamedValues{{"Speed", 1500.25}, {"Torque", -125}});
}

TEST_CASE("frame encoder: messages that are unknown or longer than a frame give none") {
  DbcMessage transport = j1939_message("LONG", 0x18FECAFE, {signal_of("A", 0, 8, "@1+")});
  transport.length = 20;
  const DbcFrameEncoder encoder({dbc_of({transport, message_of("HUGE", 1, 65, {})})});
  CHECK_FALSE(encoder.encode("NONE", {}));
  CHECK_FALSE(encoder.encode("LONG", {}));
  CHECK_FALSE(encoder.encode("HUGE", {}));
}

TEST_CASE("frame encoder: more than eight bytes make a CAN FD frame") {
  const DbcFrameEncoder encoder({dbc_of({message_of("FD", 0x10, 64, {signal_of("Last", 504, 8, "@1+")})})});
  const std::array<SignalValue, 1> values{{{"Last", 200}}};
  const auto frame = encoder.encode("FD", values);
  REQUIRE(frame);
  CHECK(frame->is(CanFrame::kFd));
  CHECK(frame->length == 64);
  CHECK(frame->data[63] == 200);
}

TEST_CASE("frame encoder: of two files with the same message name the first is used") {
  const DbcFrameEncoder encoder({dbc_of({message_of("M", 1, 8, {})}), dbc_of({message_of("M", 2, 8, {})})});
  CHECK(encoder.encode("M", {})->id == 1);
}

}  // namespace
}  // namespace outrider
