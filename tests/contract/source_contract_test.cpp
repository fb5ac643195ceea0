// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <future>
#include <string>
#include <vector>

#include "platform/paho/mailbox.h"
#include "platform/paho/paho_source.h"
#include "tests/support/mosquitto.h"
#include "tests/support/raw_subscriber.h"

using namespace outrider;

namespace {

constexpr seconds kLimit{20};
const std::string kUnlimited = "max_inflight_messages 0\nmax_queued_messages 0\n";

bool eventually(const std::function<bool()>& holds) {
  const auto until = std::chrono::steady_clock::now() + kLimit;
  while (!holds())
    if (std::chrono::steady_clock::now() >= until) return false;
  return true;
}

/// Publishes numbers at QoS 1 from a process of its own; returns when the broker has acknowledged all. (Paho has one
/// receiving thread for all clients of a process: a publisher in here would wait for the subscriber.)
void publish(const Mosquitto& mosquitto, int first, int last, std::size_t bytes = 0,
             const std::string& option = {}) {
  const std::string command = "mosquitto_pub -p " + std::to_string(mosquitto.port()) +
                              " -t outrider/v/telemetry -q 1 " + option + " -l";
  std::FILE* const publisher = ::popen(command.c_str(), "w");
  REQUIRE(publisher != nullptr);
  for (int number = first; number <= last; ++number) {
    std::string line = std::to_string(number);
    line.resize(std::max(bytes, line.size()), ' ');
    std::fprintf(publisher, "%s\n", line.c_str());
  }
  REQUIRE(::pclose(publisher) == 0);
}

SubscribeRequest request_for(const BrokerAddress& address, MqttVersion version = MqttVersion::k5) {
  SubscribeRequest request;
  request.address = address;
  request.version = version;
  request.topic_filter = "outrider/#";
  return request;
}

void subscribe(PahoSource& source, std::vector<ReceivedMessage>& messages) {
  REQUIRE(eventually([&] { return source.receive(messages, milliseconds{20}) && source.is_subscribed(); }));
}

void receive(PahoSource& source, std::vector<ReceivedMessage>& messages, std::size_t count) {
  REQUIRE(eventually([&] {
    (void)source.receive(messages, milliseconds{20});
    return messages.size() >= count;
  }));
}

std::vector<int> numbers_of(const std::vector<ReceivedMessage>& messages) {
  std::vector<int> numbers;
  numbers.reserve(messages.size());
  for (const ReceivedMessage& message : messages) numbers.push_back(std::stoi(message.payload));
  return numbers;
}

std::vector<int> from_to(int first, int last) {
  std::vector<int> numbers;
  for (int number = first; number <= last; ++number) numbers.push_back(number);
  return numbers;
}

ReceivedMessage message_of(std::size_t bytes) { return {{}, "t", std::string(bytes, 'x'), false}; }

}  // namespace

TEST_CASE("mailbox: a full one closes the gate once, an emptied one opens it") {
  std::vector<bool> gate;
  Mailbox mailbox(1'000, [&gate](bool is_open) { gate.push_back(is_open); });
  mailbox.put(message_of(500));
  CHECK(gate.empty());
  mailbox.put(message_of(500));
  mailbox.put(message_of(500));  // was on its way already: let in
  CHECK(gate == std::vector<bool>{false});
  std::vector<ReceivedMessage> taken;
  mailbox.take(taken, milliseconds{0});
  CHECK(taken.size() == 3);
  CHECK(gate == std::vector<bool>{false, true});
}

TEST_CASE("mailbox: one that is told to discard keeps nothing and opens its gate for good") {
  std::vector<bool> gate;
  Mailbox mailbox(100, [&gate](bool is_open) { gate.push_back(is_open); });
  mailbox.put(message_of(200));
  mailbox.discard();
  mailbox.put(message_of(200));
  CHECK(gate == std::vector<bool>{false, true});
  std::vector<ReceivedMessage> taken;
  mailbox.take(taken, milliseconds{0});
  CHECK(taken.empty());
}

TEST_CASE("mailbox: a waiting reader is woken by a message and by a ring") {
  Mailbox mailbox(1'000, [](bool /*is_open*/) {});
  std::vector<ReceivedMessage> taken;
  auto writer = std::async(std::launch::async, [&mailbox] { mailbox.put(message_of(1)); });
  mailbox.take(taken, kLimit);
  CHECK(taken.size() == 1);
  auto ringer = std::async(std::launch::async, [&mailbox] { mailbox.ring(); });
  mailbox.take(taken, kLimit);
  CHECK(taken.size() == 1);
}

TEST_CASE("paho source: messages come as they were published, in order, on both versions of MQTT") {
  const Mosquitto mosquitto(kUnlimited);
  publish(mosquitto, 0, 0, 0, "-r");
  for (const MqttVersion version : {MqttVersion::k5, MqttVersion::k311}) {
    PahoSource source(request_for(mosquitto.address(), version));
    std::vector<ReceivedMessage> messages;
    subscribe(source, messages);
    publish(mosquitto, 1, 200, 1'000);
    receive(source, messages, 201);
    CHECK(numbers_of(messages) == from_to(0, 200));
    CHECK(messages[0].is_retained);
    CHECK_FALSE(messages[1].is_retained);
    CHECK(messages[1].topic == "outrider/v/telemetry");
    CHECK(messages[1].payload.size() == 1'000);
    CHECK(messages[1].received > WallTime{});
  }
}

TEST_CASE("paho source: a given client id finds what came while it was away") {
  const Mosquitto mosquitto(kUnlimited);
  for (const MqttVersion version : {MqttVersion::k5, MqttVersion::k311}) {
    SubscribeRequest request = request_for(mosquitto.address(), version);
    request.client_id = "consumer-" + std::to_string(static_cast<int>(version));
    std::vector<ReceivedMessage> messages;
    {
      PahoSource source(request);
      subscribe(source, messages);
    }
    publish(mosquitto, 1, 50);
    PahoSource source(request);
    receive(source, messages, 50);
    CHECK(numbers_of(messages) == from_to(1, 50));
  }
}

TEST_CASE("paho source: a random client id leaves no session behind") {
  const Mosquitto mosquitto("sys_interval 1\n");
  for (const MqttVersion version : {MqttVersion::k5, MqttVersion::k311}) {
    {
      PahoSource source(request_for(mosquitto.address(), version));
      std::vector<ReceivedMessage> messages;
      subscribe(source, messages);
    }
    RawSubscriber watcher(mosquitto.port(), "$SYS/broker/clients/total");  // is a client itself
    CHECK(eventually([&] {
      const auto total = watcher.next();
      return total && total->payload == "1";
    }));
  }
}

TEST_CASE("paho source: while the broker is away it says retry and why, and goes on when it is back") {
  Mosquitto mosquitto;
  PahoSource source(request_for(mosquitto.address()));
  std::vector<ReceivedMessage> messages;
  subscribe(source, messages);
  for (int round = 1; round <= 5; ++round) {
    mosquitto.kill();
    std::string text;
    CHECK(eventually([&] {
      const Status received = source.receive(messages, milliseconds{20});
      if (received) return false;
      CHECK(received.error().fault == Fault::kRetry);
      text = received.error().text;
      return true;
    }));
    CHECK(text.find(mosquitto.address().text()) != std::string::npos);
    CHECK_FALSE(source.is_subscribed());
    mosquitto.start();
    REQUIRE(eventually([&] {
      (void)source.receive(messages, milliseconds{20});
      return source.is_subscribed();
    }));
    publish(mosquitto, round, round);
    receive(source, messages, static_cast<std::size_t>(round));
  }
  CHECK(numbers_of(messages) == from_to(1, 5));
}

TEST_CASE("paho source: a caller that does not ask for a while loses nothing") {
  constexpr std::size_t kMessageBytes = 256 << 10;
  constexpr int kMessages = 400;  // 100 MiB; a source keeps 64 MiB
  const Mosquitto mosquitto(kUnlimited);
  PahoSource source(request_for(mosquitto.address()));
  PahoSource neglected(request_for(mosquitto.address()));  // full when it is destroyed: must not hang
  std::vector<ReceivedMessage> messages;
  subscribe(source, messages);
  subscribe(neglected, messages);
  publish(mosquitto, 1, kMessages, kMessageBytes);
  receive(source, messages, static_cast<std::size_t>(kMessages));
  CHECK(numbers_of(messages) == from_to(1, kMessages));
}

TEST_CASE("paho source: mqtts is refused with a sentence") {
  SubscribeRequest request = request_for({.host = "localhost", .port = 8883, .is_secure = true});
  PahoSource source(request);
  std::vector<ReceivedMessage> messages;
  const Status received = source.receive(messages, milliseconds{0});
  REQUIRE_FALSE(received);
  CHECK(received.error().fault == Fault::kStop);
  CHECK(received.error().text.find("mqtts://") != std::string::npos);
}
