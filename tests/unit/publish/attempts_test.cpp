// SPDX-License-Identifier: Apache-2.0
#include "agent/publish/attempts.h"

#include <doctest/doctest.h>

#include "tests/unit/publish/publisher_rig.h"

using namespace outrider;

namespace {

/// As the profile aws-iot makes them of one URL.
PublishConfig two_ports() {
  PublishConfig config;
  config.brokers = {{.host = "iot", .port = 8883, .is_secure = true},
                    {.host = "iot", .port = 443, .is_secure = true, .alpn = "x-amzn-mqtt-ca"}};
  return config;
}

BrokerEvent refused(LinkFault fault = LinkFault::kNetwork, int code = 0) {
  BrokerEvent event;
  event.kind = BrokerEvent::Kind::kRefused;
  event.reason_code = code;
  event.fault = fault;
  return event;
}

BrokerEvent lost() {
  BrokerEvent event;
  event.kind = BrokerEvent::Kind::kLost;
  return event;
}

constexpr BootTime kStart{seconds(1000)};

}  // namespace

TEST_CASE("attempts: a port that cannot be reached gives way to the next one, with what that one wants") {
  const PublishConfig config = two_ports();
  Attempts attempts(config);
  CHECK(attempts.broker().text() == "iot:8883");
  CHECK(attempts.request("", {}).tls.alpn.empty());
  attempts.failed(refused(), kStart, 0.5);
  CHECK(attempts.broker().text() == "iot:443");
  CHECK(attempts.request("", {}).tls.alpn == std::vector<std::string>{"x-amzn-mqtt-ca"});
  attempts.failed(refused(), kStart, 0.5);
  CHECK(attempts.broker().text() == "iot:8883");
}

TEST_CASE("attempts: the port that worked is tried first after a loss, then the others again") {
  const PublishConfig config = two_ports();
  Attempts attempts(config);
  attempts.failed(refused(), kStart, 0.5);
  CHECK_FALSE(attempts.connected({}, kStart));
  attempts.failed(lost(), kStart + config.stable_after, 0.5);
  CHECK(attempts.broker().port == 443);
  attempts.failed(refused(), kStart + seconds(100), 0.5);
  CHECK(attempts.broker().port == 8883);
}

TEST_CASE("attempts: a connection that did not last proves nothing") {
  const PublishConfig config = two_ports();
  Attempts attempts(config);
  CHECK_FALSE(attempts.connected({}, kStart));
  attempts.failed(lost(), kStart + seconds(1), 0.5);
  CHECK(attempts.broker().port == 443);
}

TEST_CASE("attempts: another port is no other broker: what needs help waits long on both") {
  const PublishConfig config = two_ports();
  Attempts attempts(config);
  attempts.failed(refused(LinkFault::kOwnCertificate), kStart, 0.5);
  CHECK(attempts.next() - kStart == seconds(90));
  CHECK(attempts.broker().port == 443);
}

TEST_CASE("attempts: a broker that takes QoS 0 only is as good as refused, and asked again late") {
  const PublishConfig config = two_ports();
  Attempts attempts(config);
  BrokerLimits limits;
  limits.max_qos = 0;
  const auto refusal = attempts.connected(limits, kStart);
  REQUIRE(refusal);
  CHECK(refusal->kind == BrokerEvent::Kind::kRefused);
  CHECK(needs_help(*refusal));
  CHECK(refusal->text ==
        "it takes QoS 0 only (Maximum QoS in its CONNACK) and so acknowledges nothing, but Outrider must "
        "know what "
        "arrived; let it take QoS 1");
  attempts.failed(*refusal, kStart, 0);
  CHECK(attempts.next() - kStart == seconds(60));
  // One that follows the standard refuses our will already, which is of QoS 1.
  CHECK(needs_help(refused(LinkFault::kMqtt, 0x9B)));
}

TEST_CASE("attempts: a will is retained where the broker can, as far as is known") {
  PublishConfig config = two_ports();
  const LastWill will{.topic = "t", .payload = "gone"};
  {
    Attempts attempts(config);
    CHECK(attempts.request("", will).will->is_retained);
    attempts.failed(refused(LinkFault::kMqtt, 0x9A), kStart, 0.5);
    CHECK(attempts.broker().port == 8883);  // the same again, at the usual pace
    CHECK(attempts.next() - kStart <= seconds(1));
    CHECK_FALSE(attempts.request("", will).will->is_retained);
  }
  {
    Attempts attempts(config);
    BrokerLimits limits;
    limits.retain_available = false;
    CHECK_FALSE(attempts.connected(limits, kStart));
    CHECK_FALSE(attempts.request("", will).will->is_retained);
    CHECK_FALSE(attempts.connected({}, kStart));
    CHECK(attempts.request("", will).will->is_retained);
  }
  config.profile.presumed.retain_available = false;
  CHECK_FALSE(Attempts(config).request("", will).will->is_retained);
}

TEST_CASE("publisher: where nothing is retained, the status goes out unretained after each connect") {
  PublisherRig rig;
  rig.broker.limits.retain_available = false;
  rig.publisher->set_status("v1", "{\"rows\":[]}");
  rig.connect();
  REQUIRE(rig.broker.published.size() == 1);
  CHECK_FALSE(rig.broker.published[0].is_retained);
  rig.broker.drop();
  rig.turn();
  while (!rig.broker.is_connecting()) rig.turn();
  rig.broker.accept();
  rig.turn();
  REQUIRE(rig.broker.published.size() == 2);
  CHECK_FALSE(rig.broker.published[1].is_retained);
}
