// SPDX-License-Identifier: Apache-2.0
#include "agent/publish/publisher.h"

#include <doctest/doctest.h>

#include <set>

#include "tests/unit/publish/publisher_rig.h"

using namespace outrider;

namespace {

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("publisher: connects with what was configured and packs waiting rows into one message per stream") {
  PublisherRig rig;
  rig.store(rig.telemetry, 3);
  rig.turn();
  REQUIRE(rig.broker.requests.size() == 1);
  CHECK(rig.broker.requests[0].address.host == "first");
  CHECK(rig.broker.requests[0].password == "secret");
  CHECK(rig.broker.requests[0].client_id == "agent");
  CHECK(rig.publisher->mode() == Publisher::Mode::kConnecting);
  rig.broker.accept();
  rig.turn();
  CHECK(rig.sent() == Texts{"v1/telemetry 1,2,3"});
  CHECK(rig.broker.published[0].qos == 1);
  CHECK(rig.publisher->mode() == Publisher::Mode::kLive);
}

TEST_CASE("publisher: events go before telemetry, and streams take turns") {
  PublishConfig config;
  config.max_message = 400;
  PublisherRig rig(config);
  rig.store(rig.telemetry, 2, 300);
  rig.store(rig.other, 2, 300);
  rig.store(rig.events, 1);
  rig.connect();
  const Texts sent = rig.sent();
  REQUIRE(sent.size() == 5);
  CHECK(sent[0] == "v1/events 1");
  CHECK(std::set(&sent[1], &sent[3]) == std::set<std::string>{"v1/telemetry 1", "v2/telemetry 1"});
  CHECK(std::set(&sent[3], &sent[5]) == std::set<std::string>{"v1/telemetry 2", "v2/telemetry 2"});
}

TEST_CASE("publisher: rows leave the store only as an acknowledged prefix") {
  PublishConfig config;
  config.max_message = 400;
  PublisherRig rig(config);
  rig.store(rig.telemetry, 3, 300);
  rig.connect();
  REQUIRE(rig.broker.unacknowledged() == 3);
  rig.broker.acknowledge_next(2);
  rig.turn();
  REQUIRE(rig.outbox->commit());
  CHECK(rig.outbox->backlog(rig.telemetry).oldest == 3);
  rig.broker.acknowledge_next();
  rig.turn();
  REQUIRE(rig.outbox->commit());
  CHECK(rig.outbox->backlog(rig.telemetry).rows == 0);
  CHECK(rig.publisher->counters().rows == 3);
  CHECK(rig.publisher->in_flight() == 0);
}

TEST_CASE("publisher: the window is the smaller of ours and the broker's") {
  PublishConfig config;
  config.max_message = 400;
  config.max_in_flight = 5;
  PublisherRig rig(config);
  rig.broker.limits.receive_maximum = 3;
  rig.store(rig.telemetry, 10, 300);
  rig.connect();
  CHECK(rig.broker.unacknowledged() == 3);
  CHECK(rig.publisher->mode() == Publisher::Mode::kCatchingUp);
  rig.broker.acknowledge_next();
  rig.turn();
  CHECK(rig.broker.unacknowledged() == 3);
  CHECK(rig.sent().back() == "v1/telemetry 4");
}

TEST_CASE("publisher: after a loss it goes back to the oldest row that was not acknowledged") {
  PublishConfig config;
  config.max_message = 400;
  PublisherRig rig(config);
  rig.store(rig.telemetry, 3, 300);
  rig.connect();
  rig.broker.acknowledge_next();
  rig.turn();
  rig.broker.drop("reset by the broker");
  rig.turn();
  CHECK(rig.publisher->mode() == Publisher::Mode::kOffline);
  CHECK(rig.publisher->link_text(rig.now).find("reset by the broker") != std::string::npos);
  CHECK(rig.publisher->in_flight() == 0);
  rig.turn(seconds(2));
  rig.broker.accept();
  const std::size_t before = rig.broker.published.size();
  rig.turn();
  CHECK(rig.sent(before) == Texts{"v1/telemetry 2", "v1/telemetry 3"});
}

TEST_CASE("publisher: walks the list of brokers with growing, jittered pauses") {
  PublisherRig rig;
  std::vector<BootTime> attempts;
  std::set<std::string> hosts;
  while (attempts.size() < 12) {
    const std::size_t before = rig.broker.requests.size();
    rig.turn();
    if (rig.broker.requests.size() == before) continue;
    attempts.push_back(rig.now);
    hosts.insert(rig.broker.requests.back().address.host);
    rig.broker.refuse("connection refused");
  }
  CHECK(hosts == std::set<std::string>{"first", "second"});
  for (std::size_t i = 1; i < attempts.size(); ++i)
    CHECK(attempts[i] - attempts[i - 1] <= seconds(1) * (1 << (i - 1)) + milliseconds(150));
  CHECK(attempts.back() - attempts.front() > seconds(20));
}

TEST_CASE(
    "publisher: a broker that accepts and then kicks is backed off; a stable connection clears the slate") {
  PublishConfig config;
  config.brokers = {{.host = "only"}};
  PublisherRig rig(config);
  const auto pause_after = [&](seconds connected) {
    while (rig.publisher->mode() != Publisher::Mode::kConnecting) rig.turn();
    rig.broker.accept();
    rig.turn();
    rig.turn(connected);
    rig.broker.drop();
    rig.turn();
    const BootTime lost = rig.now;
    while (rig.publisher->mode() != Publisher::Mode::kConnecting) rig.turn();
    return rig.now - lost;
  };
  nanoseconds longest{};
  for (int i = 0; i < 10; ++i) longest = std::max<nanoseconds>(longest, pause_after(seconds(1)));
  CHECK(longest > seconds(10));
  CHECK(pause_after(seconds(31)) <= milliseconds(1150));
}

TEST_CASE("publisher: a second agent with our client id makes us step back for long") {
  PublisherRig rig;
  rig.connect();
  rig.broker.drop("session taken over", 0x8E);
  rig.turn();
  rig.turn(seconds(59));
  CHECK(rig.broker.requests.size() == 1);
  rig.turn(seconds(62));
  CHECK(rig.broker.requests.size() == 2);
}

TEST_CASE("publisher: a certificate that is no good is tried again late, for somebody has to mend it first") {
  PublishConfig config;
  config.brokers = {{.host = "only", .port = 8883, .is_secure = true}};
  config.tls.ca = "ca.pem";
  for (const LinkFault fault : {LinkFault::kServerCertificate, LinkFault::kOwnCertificate}) {
    PublisherRig rig(config);
    rig.turn();
    REQUIRE(rig.broker.requests.size() == 1);
    CHECK(rig.broker.requests[0].tls == config.tls);
    rig.broker.refuse("the certificate expired", 0, fault);
    rig.turn();
    rig.turn(seconds(59));
    CHECK(rig.broker.requests.size() == 1);
    rig.turn(seconds(62));
    CHECK(rig.broker.requests.size() == 2);
    CHECK(rig.publisher->counters().faults[static_cast<std::size_t>(fault)] == 1);
  }
}

TEST_CASE("publisher: with another broker in the list, a bad certificate does not hold it up") {
  PublisherRig rig;
  rig.turn();
  rig.broker.refuse("the certificate expired", 0, LinkFault::kServerCertificate);
  rig.turn();
  rig.turn(seconds(2));
  REQUIRE(rig.broker.requests.size() == 2);
  CHECK(rig.broker.requests[1].address.host == "second");
}

TEST_CASE("publisher: while the clock is not set it asks again every other second, for as long as it takes") {
  PublisherRig rig;
  rig.turn();
  for (std::size_t i = 1; i <= 100; ++i) {
    CHECK(rig.broker.requests.size() == i);
    CHECK(rig.broker.requests.back().address.host == "first");
    rig.broker.refuse("waiting for the time", 0, LinkFault::kTime);
    rig.turn();
    CHECK(rig.publisher->link_text(rig.now).find("waiting for the time") != std::string::npos);
    rig.turn(seconds(2));
  }
  CHECK(rig.publisher->counters().faults[static_cast<std::size_t>(LinkFault::kTime)] == 100);
}

TEST_CASE("publisher: silence with messages in flight means the link is dead") {
  PublisherRig rig;
  rig.store(rig.telemetry, 1);
  rig.connect();
  rig.turn(seconds(29));
  CHECK(rig.publisher->mode() == Publisher::Mode::kLive);
  rig.turn(seconds(2));
  CHECK(rig.publisher->mode() == Publisher::Mode::kOffline);
  CHECK_FALSE(rig.broker.is_connected());
  CHECK_FALSE(rig.broker.was_polite);
}

TEST_CASE("publisher: an idle connection is not taken for dead when work arrives") {
  PublisherRig rig;
  rig.connect();
  rig.turn(seconds(300));
  rig.store(rig.telemetry, 1);
  rig.turn();
  rig.turn();
  CHECK(rig.publisher->mode() == Publisher::Mode::kLive);
}

TEST_CASE("publisher: a refused message holds its stream and is tried again alone; other streams go on") {
  PublishConfig config;
  config.max_message = 400;
  PublisherRig rig(config);
  rig.store(rig.telemetry, 4, 300);
  rig.connect();
  rig.broker.acknowledge_next();
  rig.broker.reject_next(0x97);
  rig.turn();
  CHECK(rig.publisher->counters().refusals == 1);
  CHECK(rig.publisher->in_flight() == 0);
  REQUIRE(rig.outbox->commit());
  CHECK(rig.outbox->backlog(rig.telemetry).oldest ==
        2);  // what was acknowledged before it stays acknowledged
  rig.store(rig.other, 1, 300);
  std::size_t before = rig.broker.published.size();
  rig.turn(milliseconds(1));
  CHECK(rig.sent(before) == Texts{"v2/telemetry 1"});
  rig.broker.acknowledge_next(10);
  before = rig.broker.published.size();
  rig.turn(seconds(2));
  rig.turn();
  CHECK(rig.sent(before) == Texts{"v1/telemetry 2"});
  rig.broker.acknowledge_next();
  rig.turn();
  CHECK(rig.sent(before) == Texts{"v1/telemetry 2", "v1/telemetry 3", "v1/telemetry 4"});
  rig.broker.acknowledge_next(2);
  rig.turn();
  REQUIRE(rig.outbox->commit());
  CHECK(rig.outbox->backlog(rig.telemetry).rows == 0);
}

TEST_CASE("publisher: a status that goes out after a long silence is not taken for a dead link") {
  PublisherRig rig;
  rig.connect();
  rig.turn(seconds(300));
  rig.publisher->set_status("v1", R"({"rows":[]})");
  rig.turn();
  rig.turn();
  CHECK(rig.publisher->mode() == Publisher::Mode::kLive);
  rig.turn(seconds(31));
  CHECK(rig.publisher->mode() == Publisher::Mode::kOffline);
}

TEST_CASE("publisher: a broker without room is not asked again before it acknowledged something") {
  PublishConfig config;
  config.max_message = 400;
  PublisherRig rig(config);
  rig.broker.capacity = 2;
  rig.store(rig.telemetry, 5, 300);
  rig.connect();
  CHECK(rig.broker.published.size() == 2);
  rig.broker.capacity = 10;
  rig.turn();
  CHECK(rig.broker.published.size() == 2);
  rig.broker.acknowledge_next();
  rig.turn();
  CHECK(rig.broker.published.size() == 5);
}

TEST_CASE("publisher: a message never exceeds the broker's packet limit") {
  PublisherRig rig;
  rig.broker.limits.max_packet_bytes = 1000;
  rig.store(rig.telemetry, 20, 100);
  rig.connect();
  CHECK(rig.broker.published.size() > 3);
  for (const auto& record : rig.broker.published) CHECK(record.topic.size() + record.payload.size() <= 1000);
}

TEST_CASE(
    "publisher: status documents are retained, first on every connection, and the will says the opposite") {
  PublisherRig rig;
  rig.publisher->set_status("v1", R"({"rows":[{"seq":100}]})");
  rig.publisher->set_will("v1", "gone", "gone");
  rig.store(rig.telemetry, 1);
  rig.connect();
  REQUIRE(rig.broker.requests[0].will);
  CHECK(rig.broker.requests[0].will->topic == "outrider/v1/status");
  CHECK(rig.broker.requests[0].will->payload == "gone");
  CHECK(rig.sent() == Texts{"v1/status 100", "v1/telemetry 1"});
  CHECK(rig.broker.published[0].is_retained);
  CHECK_FALSE(rig.broker.published[1].is_retained);
  rig.broker.acknowledge_next(2);
  rig.turn();
  CHECK(rig.publisher->in_flight() == 0);
  CHECK(rig.publisher->counters().messages == 1);
  rig.publisher->set_status("v1", R"({"rows":[{"seq":101}]})");
  rig.turn();
  CHECK(rig.sent().back() == "v1/status 101");
}

TEST_CASE("publisher: says goodbye with a status of its own and leaves politely") {
  PublisherRig rig;
  rig.publisher->set_will("v1", "gone", "gone");
  rig.connect();
  rig.publisher->say_goodbye("bye");
  CHECK(rig.broker.published.back().payload == "bye");
  CHECK(rig.broker.published.back().is_retained);
  CHECK(rig.broker.was_polite);
}

TEST_CASE("publisher: streams of an earlier run with rows waiting are drained, too") {
  PublisherRig rig;
  rig.connect();
  const StreamIndex old = *rig.outbox->stream("v-old", Channel::kTelemetry);
  rig.store(old, 2);
  rig.turn();
  CHECK(rig.sent() == Texts{"v-old/telemetry 1,2"});
}

TEST_CASE(
    "publisher: where CONNECT is too large for the broker the will gets brief, and the sentence says so") {
  PublisherRig rig;
  rig.publisher->set_will("v1", "gone, with all its signals", "gone");
  const auto next_will = [&](int code, bool is_closed) {
    while (!rig.broker.is_connecting()) rig.turn(seconds(1));
    std::string will = rig.broker.requests.back().will->payload;
    if (is_closed)
      rig.broker.refuse_by_closing();
    else
      rig.broker.refuse("no", code);
    rig.turn(milliseconds(50));
    return will;
  };
  SUBCASE("because the broker says so") {
    CHECK(next_will(0x95, false) == "gone, with all its signals");
    CHECK(rig.publisher->last_trouble()->text.find("a last will of 26 bytes, from now on one of 4") !=
          std::string::npos);
    CHECK(next_will(0x95, false) == "gone");
    CHECK(rig.publisher->last_trouble()->text.find("raise the broker's maximum packet size") !=
          std::string::npos);
  }
  SUBCASE("because it closes the connection again and again, which one closed connection is not") {
    CHECK(next_will(0, true) == "gone, with all its signals");
    CHECK(next_will(0, false) == "gone, with all its signals");
    CHECK(next_will(0, true) == "gone, with all its signals");
    CHECK(rig.publisher->last_trouble()->text.find("last will") == std::string::npos);
    CHECK(next_will(0, true) == "gone, with all its signals");
    CHECK(rig.publisher->last_trouble()->text.find("if the broker takes only small packets") !=
          std::string::npos);
    CHECK(next_will(0, true) == "gone");
  }
  SUBCASE("not because it refuses for another reason") {
    for (int i = 0; i < 5; ++i) CHECK(next_will(0x87, false) == "gone, with all its signals");
    CHECK(rig.publisher->last_trouble()->text.find("last will") == std::string::npos);
  }
}
