// SPDX-License-Identifier: Apache-2.0
// What every Broker promises, on the fake and on Paho with a real mosquitto.
#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "agent/base/bell.h"
#include "agent/ports/broker.h"
#include "platform/paho/paho_broker.h"
#include "tests/contract/broker_events.h"
#include "tests/support/memory_broker.h"
#include "tests/support/mosquitto.h"

namespace outrider {
namespace {

using Kind = BrokerEvent::Kind;

constexpr std::uint32_t kPacketLimit = 4096;

/// The fake, and the hand that plays its network.
struct MemoryWorld {
  static bool is_available() { return true; }

  MemoryWorld() {
    broker.is_automatic = true;
    broker.limits.receive_maximum = 20;
    broker.limits.max_packet_bytes = kPacketLimit;
  }
  BrokerAddress address() { return {.host = "nowhere", .port = 1883, .is_secure = false}; }
  void take_broker_away() {
    if (broker.is_connected()) broker.close("the test took it away");
    is_away = true;
    broker.is_automatic = false;
  }
  void connect(const ConnectRequest& request) {
    CHECK(broker.connect(request));
    if (is_away) broker.refuse("the test refused it");
  }
  void bring_broker_back() {
    is_away = false;
    broker.is_automatic = true;
  }

  bool is_away = false;
  Bell bell;
  MemoryBroker broker;
};

/// Paho, the link and a mosquitto.
struct MosquittoWorld {
  static bool is_available() {
    if (!Mosquitto::is_installed()) MESSAGE("SKIPPED: mosquitto is not installed");
    return Mosquitto::is_installed();
  }

  BrokerAddress address() { return mosquitto.address(); }
  void take_broker_away() { mosquitto.kill(); }
  void bring_broker_back() { mosquitto.start(); }
  void connect(const ConnectRequest& request) { CHECK(broker.connect(request)); }

  Mosquitto mosquitto{"max_packet_size " + std::to_string(kPacketLimit) + "\n"};
  Bell bell;
  PahoBroker broker{bell};
};

TEST_CASE_TEMPLATE("broker: a connection reports the broker's limits", World, MemoryWorld, MosquittoWorld) {
  if (!World::is_available()) return;
  World world;
  BrokerEvents events(world.broker, world.bell);
  world.connect(request_to(world.address()));
  const auto connected = events.next(Kind::kConnected);
  REQUIRE(connected);
  CHECK(connected->limits.receive_maximum == 20);
  CHECK(connected->limits.max_packet_bytes == kPacketLimit);
  CHECK_FALSE(connected->text.empty());
}

TEST_CASE_TEMPLATE("broker: publications are acknowledged by their tokens, in order", World, MemoryWorld,
                   MosquittoWorld) {
  if (!World::is_available()) return;
  World world;
  BrokerEvents events(world.broker, world.bell);
  world.connect(request_to(world.address()));
  REQUIRE(events.next(Kind::kConnected));
  std::vector<std::uint64_t> tokens(15);
  std::iota(tokens.begin(), tokens.end(), 0xFFFF'FFFF'0000'0001U);
  for (const std::uint64_t token : tokens) CHECK(world.broker.publish(publication(token, "payload")));
  CHECK(events.acknowledged(tokens.size()) == tokens);
}

TEST_CASE_TEMPLATE("broker: without a connection a publication is for later", World, MemoryWorld,
                   MosquittoWorld) {
  if (!World::is_available()) return;
  World world;
  const Status before = world.broker.publish(publication(1, "payload"));
  REQUIRE_FALSE(before);
  CHECK(before.error().fault == Fault::kRetry);
  world.connect(request_to(world.address()));
  CHECK_FALSE(world.broker.publish(publication(1, "payload")));  // kConnected was not taken yet
}

TEST_CASE_TEMPLATE("broker: a publication of QoS 0 has no event", World, MemoryWorld, MosquittoWorld) {
  if (!World::is_available()) return;
  World world;
  BrokerEvents events(world.broker, world.bell);
  world.connect(request_to(world.address()));
  REQUIRE(events.next(Kind::kConnected));
  CHECK(world.broker.publish(
      {.token = 0, .topic = "contract/live", .payload = "x", .qos = 0, .content_type = {}}));
  CHECK(world.broker.publish(publication(7, "payload")));
  CHECK(events.acknowledged(1) == std::vector<std::uint64_t>{7});
}

TEST_CASE_TEMPLATE("broker: a broker that is away refuses with a sentence", World, MemoryWorld,
                   MosquittoWorld) {
  if (!World::is_available()) return;
  World world;
  BrokerEvents events(world.broker, world.bell);
  world.take_broker_away();
  world.connect(request_to(world.address()));
  const auto refused = events.next(Kind::kRefused);
  REQUIRE(refused);
  CHECK(refused->text.find("refused") != std::string::npos);
  CHECK_FALSE(world.broker.publish(publication(1, "payload")));
}

TEST_CASE_TEMPLATE("broker: a lost connection says so once, and another one can follow", World, MemoryWorld,
                   MosquittoWorld) {
  if (!World::is_available()) return;
  World world;
  BrokerEvents events(world.broker, world.bell);
  world.connect(request_to(world.address()));
  REQUIRE(events.next(Kind::kConnected));
  world.take_broker_away();
  const auto lost = events.next(Kind::kLost);
  REQUIRE(lost);
  CHECK_FALSE(lost->text.empty());
  CHECK(lost->closed_by_peer);
  CHECK_FALSE(world.broker.publish(publication(1, "payload")));
  world.bring_broker_back();
  world.connect(request_to(world.address()));
  REQUIRE(events.next(Kind::kConnected));
  CHECK(world.broker.publish(publication(2, "payload")));
  CHECK(events.acknowledged(1) == std::vector<std::uint64_t>{2});
}

TEST_CASE_TEMPLATE("broker: events of an earlier connection never appear", World, MemoryWorld,
                   MosquittoWorld) {
  if (!World::is_available()) return;
  World world;
  BrokerEvents events(world.broker, world.bell);
  for (std::uint64_t round = 1; round <= 5; ++round) {
    world.connect(request_to(world.address()));
    REQUIRE(events.next(Kind::kConnected));
    for (std::uint64_t i = 1; i <= 10; ++i)
      CHECK(world.broker.publish(publication(100 * round + i, "payload")));
  }
  CHECK(events.acknowledged(10).front() == 501);
  for (std::uint64_t i = 1; i <= 10; ++i) CHECK(world.broker.publish(publication(i, "payload")));
  world.broker.disconnect(false);
  CHECK_FALSE(events.next(milliseconds(100)));
}

TEST_CASE_TEMPLATE("broker: what exceeds the packet limit is rejected, and the connection lives on", World,
                   MemoryWorld, MosquittoWorld) {
  if (!World::is_available()) return;
  World world;
  BrokerEvents events(world.broker, world.bell);
  world.connect(request_to(world.address()));
  REQUIRE(events.next(Kind::kConnected));
  const std::string too_large(kPacketLimit + 1, 'x');
  const Status rejected = world.broker.publish(publication(1, too_large));
  REQUIRE_FALSE(rejected);
  CHECK(rejected.error().fault == Fault::kReject);
  CHECK(rejected.error().text.find("the packet is too large") != std::string::npos);
  CHECK(world.broker.publish(publication(2, "payload")));
  CHECK(events.acknowledged(1) == std::vector<std::uint64_t>{2});
}

TEST_CASE_TEMPLATE("broker: no connection is made inside a tunnel, and one is made after it", World,
                   MemoryWorld, MosquittoWorld) {
  if (!World::is_available()) return;
  World world;
  BrokerEvents events(world.broker, world.bell);
  world.broker.set_passing(false);
  world.connect(request_to(world.address()));
  CHECK_FALSE(events.next(milliseconds(300)));
  world.broker.set_passing(true);
  CHECK(events.next(Kind::kConnected));
}

TEST_CASE_TEMPLATE("broker: nothing is acknowledged inside a tunnel, everything after it", World, MemoryWorld,
                   MosquittoWorld) {
  if (!World::is_available()) return;
  World world;
  BrokerEvents events(world.broker, world.bell);
  world.connect(request_to(world.address()));
  REQUIRE(events.next(Kind::kConnected));
  world.broker.set_passing(false);
  for (std::uint64_t token = 1; token <= 5; ++token)
    CHECK(world.broker.publish(publication(token, "payload")));
  CHECK_FALSE(events.next(milliseconds(300)));
  world.broker.set_passing(true);
  CHECK(events.acknowledged(5) == std::vector<std::uint64_t>{1, 2, 3, 4, 5});
}

}  // namespace
}  // namespace outrider
