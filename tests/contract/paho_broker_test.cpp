// SPDX-License-Identifier: Apache-2.0
// What only a real broker can show of PahoBroker.
#include "platform/paho/paho_broker.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "agent/base/bell.h"
#include "tests/contract/scripted_broker.h"
#include "tests/support/mosquitto.h"
#include "tests/support/raw_subscriber.h"
#include "tests/support/tcp_listener.h"

namespace outrider {
namespace {

using Kind = BrokerEvent::Kind;

bool is_mosquitto_missing() {
  if (!Mosquitto::is_installed()) MESSAGE("SKIPPED: mosquitto is not installed");
  return !Mosquitto::is_installed();
}

struct Connected {
  explicit Connected(const ConnectRequest& request) {
    REQUIRE(broker.connect(request));
    const auto event = events.next();
    REQUIRE(event);
    REQUIRE_MESSAGE(event->kind == Kind::kConnected, event->text);
    limits = event->limits;
  }
  Bell bell;
  PahoBroker broker{bell};
  BrokerEvents events{broker, bell};
  BrokerLimits limits;
};

/// The sentence with which an attempt fails.
BrokerEvent refusal(const ConnectRequest& request) {
  Bell bell;
  PahoBroker broker(bell);
  BrokerEvents events(broker, bell);
  REQUIRE(broker.connect(request));
  const auto event = events.next();
  REQUIRE(event);
  REQUIRE(event->kind == Kind::kRefused);
  return *event;
}

ConnectRequest with_will(const Mosquitto& mosquitto) {
  ConnectRequest request = request_to(mosquitto.address());
  request.will = LastWill{.topic = "contract/status", .payload = "gone"};
  return request;
}

TEST_CASE("paho broker: messages arrive complete and in order, on both versions of MQTT") {
  if (is_mosquitto_missing()) return;
  for (const MqttVersion version : {MqttVersion::k311, MqttVersion::k5}) {
    const Mosquitto mosquitto;
    RawSubscriber subscriber(mosquitto.port(), "contract/#");
    ConnectRequest request = request_to(mosquitto.address());
    request.version = version;
    Connected client(request);
    CHECK(client.limits.receive_maximum == (version == MqttVersion::k5 ? 20 : 65535));
    for (std::uint64_t i = 1; i <= 200; ++i) {
      const std::string payload = std::string(i * 37 % 3000, 'p') + std::to_string(i);
      REQUIRE(client.broker.publish(
          {.token = i, .topic = "contract/data", .payload = payload, .content_type = "application/json"}));
      const auto arrived = subscriber.next();
      REQUIRE(arrived);
      CHECK(arrived->topic == "contract/data");
      CHECK(arrived->payload == payload);
      // The subscriber may be faster than the acknowledgement, and the window is 20 messages.
      CHECK(client.events.acknowledged(1).back() == i);
    }
  }
}

TEST_CASE("paho broker: retained messages are retained") {
  if (is_mosquitto_missing()) return;
  const Mosquitto mosquitto;
  Connected client(request_to(mosquitto.address()));
  CHECK(client.broker.publish(
      {.token = 1, .topic = "contract/status", .payload = "here", .is_retained = true, .content_type = {}}));
  CHECK(client.events.acknowledged(1).size() == 1);
  const auto status = RawSubscriber(mosquitto.port(), "contract/status").next();
  REQUIRE(status);
  CHECK(status->payload == "here");
  CHECK(status->is_retained);
}

TEST_CASE("paho broker: a polite goodbye delivers what was handed over and leaves no will") {
  if (is_mosquitto_missing()) return;
  for (const MqttVersion version : {MqttVersion::k311, MqttVersion::k5}) {
    const Mosquitto mosquitto;
    RawSubscriber subscriber(mosquitto.port(), "contract/#");
    ConnectRequest request = with_will(mosquitto);
    request.version = version;
    Connected client(request);
    for (std::uint64_t i = 1; i <= 20; ++i) CHECK(client.broker.publish(publication(i, std::to_string(i))));
    client.broker.disconnect(true);
    for (int i = 1; i <= 20; ++i) {
      const auto message = subscriber.next();
      REQUIRE(message);
      CHECK(message->payload == std::to_string(i));
    }
    CHECK_FALSE(subscriber.next(300));
  }
}

TEST_CASE("paho broker: whoever leaves without a word leaves the will, retained") {
  if (is_mosquitto_missing()) return;
  const Mosquitto mosquitto;
  RawSubscriber subscriber(mosquitto.port(), "contract/#");
  Connected client(with_will(mosquitto));
  client.broker.disconnect(false);
  const auto will = subscriber.next();
  REQUIRE(will);
  CHECK(will->payload == "gone");
  const auto retained = RawSubscriber(mosquitto.port(), "contract/status").next();
  REQUIRE(retained);
  CHECK(retained->is_retained);
}

TEST_CASE("paho broker: a message that the access list forbids is rejected with its reason on MQTT 5") {
  if (is_mosquitto_missing()) return;
  const Mosquitto mosquitto({}, "topic readwrite contract/#\n");
  Connected client(request_to(mosquitto.address()));
  CHECK(client.broker.publish({.token = 1, .topic = "forbidden/data", .payload = "x", .content_type = {}}));
  CHECK(client.broker.publish(publication(2, "x")));
  const auto rejected = client.events.next(Kind::kRejected);
  REQUIRE(rejected);
  CHECK(rejected->token == 1);
  CHECK(rejected->reason_code == 0x87);
  CHECK(rejected->text.find("not authorized (0x87)") != std::string::npos);
  CHECK(client.events.acknowledged(1) == std::vector<std::uint64_t>{2});
}

TEST_CASE("paho broker: a bad password is refused with the reason on both versions") {
  if (is_mosquitto_missing()) return;
  const Mosquitto mosquitto("allow_anonymous false\n");
  ConnectRequest request = request_to(mosquitto.address());
  request.username = "truck";
  request.password = "wrong";
  CHECK(refusal(request).reason_code == 0x87);
  CHECK(refusal(request).text.find("not authorized (0x87)") != std::string::npos);
  request.version = MqttVersion::k311;
  CHECK(refusal(request).reason_code == 5);
  CHECK(refusal(request).text.find("not authorized (return code 5)") != std::string::npos);
}

TEST_CASE("paho broker: the reason of every answer counts, below 0x80 it is fine") {
  ScriptedBroker scripted;
  Bell bell;
  PahoBroker broker(bell);
  BrokerEvents events(broker, bell);
  REQUIRE(broker.connect(scripted.request()));
  scripted.let_in(kPlainConnack);
  REQUIRE(events.next(Kind::kConnected));
  for (std::uint64_t token = 1; token <= 3; ++token) CHECK(broker.publish(publication(token, "x")));
  for (int i = 0; i < 3; ++i) CHECK(scripted.read_packet() == 0x32);
  scripted.send({"\x40\x03\x00\x01\x10", 5});  // nobody is subscribed
  scripted.send({"\x40\x03\x00\x02\x97", 5});  // quota exceeded
  scripted.send({"\x40\x02\x00\x03", 4});
  CHECK(events.acknowledged(1) == std::vector<std::uint64_t>{1});
  const auto rejected = events.next(Kind::kRejected);
  REQUIRE(rejected);
  CHECK(rejected->token == 2);
  CHECK(rejected->reason_code == 0x97);
  CHECK(rejected->text.find("a quota is exceeded (0x97)") != std::string::npos);
  CHECK(events.acknowledged(1) == std::vector<std::uint64_t>{3});
}

TEST_CASE("paho broker: what the broker says before it closes is the reason of the loss") {
  for (int round = 0; round < 10; ++round) {  // the reason must win against the closing every time
    ScriptedBroker scripted;
    Bell bell;
    PahoBroker broker(bell);
    BrokerEvents events(broker, bell);
    REQUIRE(broker.connect(scripted.request()));
    scripted.let_in(kPlainConnack);
    REQUIRE(events.next(Kind::kConnected));
    scripted.send({"\xE0\x02\x8E\x00", 4});
    scripted.socket.reset();
    const auto lost = events.next(Kind::kLost);
    REQUIRE(lost);
    CHECK(lost->reason_code == 0x8E);
    CHECK(lost->text.find("another client connected with the same client id (0x8E)") != std::string::npos);
  }
}

TEST_CASE("paho broker: a second client with the same id ends the connection of the first") {
  if (is_mosquitto_missing()) return;
  const Mosquitto mosquitto;
  Connected first(request_to(mosquitto.address(), "twin"));
  const Connected second(request_to(mosquitto.address(), "twin"));
  CHECK(first.events.next(Kind::kLost));  // mosquitto 2.0.11 gives no reason
}

TEST_CASE("paho broker: failures name their cause") {
  ConnectRequest request = request_to({.host = "127.0.0.1", .port = 1, .is_secure = false});
  CHECK(refusal(request).text == "no connection to 127.0.0.1:1: 127.0.0.1:1 refused the connection");
  request.address.host = "no-such-host.invalid";
  CHECK(refusal(request).text.find("the name \"no-such-host.invalid\" was not resolved") !=
        std::string::npos);

  const TcpListener silent;  // takes connections and says nothing
  request.address = {.host = "127.0.0.1", .port = silent.port(), .is_secure = false};
  request.timeout = milliseconds(300);
  CHECK(refusal(request).text.find("took the connection but said nothing within") != std::string::npos);
}

TEST_CASE("paho broker: the secure scheme is refused without a secure client") {
  Bell bell;
  PahoBroker broker(bell);
  const Status status = broker.connect(request_to({.host = "127.0.0.1", .port = 8883, .is_secure = true}));
  REQUIRE_FALSE(status);
  CHECK(status.error().fault == Fault::kReject);
}

TEST_CASE("paho broker: a tunnel longer than the keep-alive ends the connection, and the will is left") {
  if (is_mosquitto_missing()) return;
  const Mosquitto mosquitto;
  RawSubscriber subscriber(mosquitto.port(), "contract/status");
  ConnectRequest request = with_will(mosquitto);
  request.keep_alive = seconds(1);
  Connected client(request);
  client.broker.set_passing(false);
  const auto lost = client.events.next(Kind::kLost);
  REQUIRE(lost);
  CHECK(lost->text.find("no answer to a ping") != std::string::npos);
  CHECK_FALSE(lost->closed_by_peer);
  client.broker.set_passing(true);
  const auto will = subscriber.next();
  REQUIRE(will);
  CHECK(will->payload == "gone");
}

TEST_CASE("paho broker: the window is not exceeded, but for a status that says goodbye") {
  ScriptedBroker scripted;
  Bell bell;
  PahoBroker broker(bell);
  BrokerEvents events(broker, bell);
  REQUIRE(broker.connect(scripted.request()));
  scripted.let_in({"\x20\x06\x00\x00\x03\x21\x00\x02", 8});  // Receive Maximum 2
  REQUIRE(events.next(Kind::kConnected));
  CHECK(broker.publish(publication(1, "x")));
  CHECK(broker.publish(publication(2, "x")));
  const Status third = broker.publish(publication(3, "x"));
  REQUIRE_FALSE(third);
  CHECK(third.error().fault == Fault::kRetry);
  const Publication status{.token = 4,
                           .topic = "contract/status",
                           .payload = "bye",
                           .qos = 1,
                           .is_retained = true,
                           .content_type = {}};
  CHECK(broker.publish(status));
  for (int i = 0; i < 2; ++i) CHECK(scripted.read_packet() == 0x32);
  scripted.send({"\x40\x02\x00\x01\x40\x02\x00\x02", 8});
  CHECK(events.acknowledged(2).size() == 2);
  CHECK(scripted.read_packet() == 0x33);
}

TEST_CASE("paho broker: a burst above the byte window waits and arrives complete") {
  if (is_mosquitto_missing()) return;
  Mosquitto mosquitto;
  Connected client(request_to(mosquitto.address()));
  mosquitto.pause();
  const std::string payload(64 << 10, 'x');
  std::uint64_t taken = 0;
  while (client.broker.publish(publication(taken + 1, payload))) ++taken;
  CHECK(taken >= 10);
  CHECK(taken <= 16);  // 1 MiB
  CHECK(client.broker.publish(publication(taken + 1, "a small one still passes")));
  mosquitto.resume();
  CHECK(client.events.acknowledged(taken + 1).size() == taken + 1);
}

TEST_CASE("paho broker: goodbye to a broker that does not read takes no longer than its limit") {
  if (is_mosquitto_missing()) return;
  Mosquitto mosquitto;
  Connected client(request_to(mosquitto.address()));
  mosquitto.pause();
  const std::string payload(60 << 10, 'x');
  while (client.broker.publish(publication(1, payload))) {
  }
  client.broker.disconnect(true);
  CHECK_FALSE(client.events.next(milliseconds(50)));
}

TEST_CASE("paho broker: the versions of the libraries are known") {
  CHECK(paho_version().find("Paho MQTT C++ 1.") == 0);
  CHECK(paho_version().find(", Paho MQTT C 1.") != std::string::npos);
}

}  // namespace
}  // namespace outrider
