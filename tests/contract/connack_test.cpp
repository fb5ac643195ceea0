// SPDX-License-Identifier: Apache-2.0
// What the broker says in CONNACK, and what becomes of it.
#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "agent/base/bell.h"
#include "platform/paho/paho_broker.h"
#include "tests/contract/scripted_broker.h"

namespace outrider {
namespace {

using Kind = BrokerEvent::Kind;

bool is_rejected(const Status& status, std::string_view why) {
  return !status && status.error().fault == Fault::kReject &&
         status.error().text.find(why) != std::string::npos;
}

TEST_CASE("paho broker: every limit of CONNACK is reported, and kept") {
  ScriptedBroker scripted;
  Bell bell;
  PahoBroker broker(bell);
  BrokerEvents events(broker, bell);
  REQUIRE(broker.connect(scripted.request()));
  scripted.let_in(
      {"\x20\x12\x00\x00\x0F"
       "\x21\x00\x05"          // Receive Maximum 5
       "\x27\x00\x00\x04\x00"  // Maximum Packet Size 1024
       "\x24\x00"              // Maximum QoS 0
       "\x25\x00"              // Retain not available
       "\x13\x00\x3C",         // Server Keep Alive 60 s
       20});
  const auto connected = events.next(Kind::kConnected);
  REQUIRE(connected);
  CHECK(connected->limits.receive_maximum == 5);
  CHECK(connected->limits.max_packet_bytes == 1024);
  CHECK(connected->limits.max_qos == 0);
  CHECK_FALSE(connected->limits.retain_available);
  CHECK(connected->limits.server_keep_alive == seconds(60));

  CHECK(is_rejected(broker.publish(publication(1, std::string(1024, 'x'))), "(0x95)"));
  CHECK(is_rejected(broker.publish(publication(2, "x")), "(0x9B)"));
  const Publication retained{.token = 0,
                             .topic = "contract/live",
                             .payload = "x",
                             .qos = 0,
                             .is_retained = true,
                             .content_type = {}};
  CHECK(is_rejected(broker.publish(retained), "(0x9A)"));
}

TEST_CASE("paho broker: a shorter Server Keep Alive is kept from the first connection on that is reported") {
  constexpr std::string_view kTwoSeconds{"\x20\x06\x00\x00\x03\x13\x00\x02", 8};
  ScriptedBroker scripted;
  Bell bell;
  PahoBroker broker(bell);
  BrokerEvents events(broker, bell);
  REQUIRE(broker.connect(scripted.request()));
  scripted.let_in(kTwoSeconds);
  CHECK(scripted.keep_alive == 30);
  CHECK_FALSE(events.next(milliseconds(200)));
  CHECK(scripted.read_packet() == 0xE0);  // DISCONNECT, so that no will goes out
  scripted.let_in(kTwoSeconds);
  CHECK(scripted.keep_alive == 2);
  REQUIRE(events.next(Kind::kConnected));
  CHECK(scripted.read_packet() == 0xC0);  // PINGREQ, though nothing is sent

  // The next connection to the same broker knows it from the start.
  REQUIRE(broker.connect(scripted.request()));
  scripted.let_in(kTwoSeconds);
  CHECK(scripted.keep_alive == 2);
  CHECK(events.next(Kind::kConnected));
}

TEST_CASE("paho broker: a Server Keep Alive of 0, or a longer one, changes nothing") {
  for (const std::string_view connack : {std::string_view{"\x20\x06\x00\x00\x03\x13\x00\x00", 8},
                                         std::string_view{"\x20\x06\x00\x00\x03\x13\xFF\xFF", 8}}) {
    ScriptedBroker scripted;
    Bell bell;
    PahoBroker broker(bell);
    BrokerEvents events(broker, bell);
    for (int connection = 0; connection < 2; ++connection) {
      REQUIRE(broker.connect(scripted.request()));
      scripted.let_in(connack);
      CHECK(scripted.keep_alive == 30);
      CHECK(events.next(Kind::kConnected));
    }
  }
}

TEST_CASE("paho broker: what CONNACK does not say is as the request presumed") {
  ScriptedBroker scripted;
  ConnectRequest request = scripted.request();
  request.presumed.receive_maximum = 100;
  request.presumed.max_packet_bytes = 128 << 10;
  request.presumed.retain_available = false;
  for (const bool says_more : {false, true}) {
    Bell bell;
    PahoBroker broker(bell);
    BrokerEvents events(broker, bell);
    REQUIRE(broker.connect(request));
    scripted.let_in(says_more ? std::string_view{"\x20\x06\x00\x00\x03\x21\x00\x07", 8} : kPlainConnack);
    const auto connected = events.next(Kind::kConnected);
    REQUIRE(connected);
    CHECK(connected->limits.receive_maximum == (says_more ? 7 : 100));
    CHECK(connected->limits.max_packet_bytes == 128 << 10);
    CHECK_FALSE(connected->limits.retain_available);
  }
}

TEST_CASE("paho broker: the largest packet that the broker takes is sent, one byte more is not") {
  ScriptedBroker scripted;
  Bell bell;
  PahoBroker broker(bell);
  BrokerEvents events(broker, bell);
  REQUIRE(broker.connect(scripted.request()));
  scripted.let_in({"\x20\x08\x00\x00\x05\x27\x00\x00\x00\x64", 10});  // Maximum Packet Size 100
  REQUIRE(events.next(Kind::kConnected));
  const std::size_t overhead = 2 + 2 + std::string_view("contract/data").size() + 2 + 1;
  CHECK(broker.publish(publication(1, std::string(100 - overhead, 'x'))));
  CHECK(scripted.read_packet() == 0x32);
  CHECK(is_rejected(broker.publish(publication(2, std::string(101 - overhead, 'x'))), "(0x95)"));
}

}  // namespace
}  // namespace outrider
