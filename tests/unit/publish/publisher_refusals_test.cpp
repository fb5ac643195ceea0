// SPDX-License-Identifier: Apache-2.0
// What the publisher does with messages that the broker does not want.
#include <doctest/doctest.h>

#include "tests/unit/publish/publisher_rig.h"

using namespace outrider;

namespace {

using Answer = MemoryBroker::Answer;
using Kind = Answer::Kind;
constexpr int kNetwork = -1;

/// Does this with messages that have one of the marked rows, and takes the others.
std::function<Answer(const MemoryBroker::Record&)> at_mark(Kind kind, int code) {
  return [=](const MemoryBroker::Record& record) {
    return record.payload.find("POISON") == std::string::npos ? Answer{} : Answer{kind, code};
  };
}

/// A rig whose first stream has rows 1 to 40, two of them marked.
struct MarkedRig : PublisherRig {
  explicit MarkedRig(Kind kind, int code) {
    broker.is_automatic = true;
    broker.judge = at_mark(kind, code);
    publisher->set_status("v1", "{\"rows\":[]}");
    store(telemetry, 12);
    store_marked(telemetry, "POISON");
    store(telemetry, 20);
    store_marked(telemetry, "POISON");
    store(telemetry, 6);
  }
};

}  // namespace

TEST_CASE("publisher: rows that the broker refuses for good are found and buried, the others get through") {
  for (const int code : {0x99, 0x95, 0x80, 0x83, 0xF0}) {
    CAPTURE(code);
    MarkedRig rig(Kind::kRefuse, code);
    REQUIRE(rig.drain(std::chrono::hours(2)));
    rig.check_complete(rig.telemetry);
    CHECK(rig.consumed("v1/telemetry").lost == std::set<Sequence>{13, 34});
    CHECK(rig.publisher->counters().buried == 2);
    const auto letters = rig.outbox->dead_letters(0, 10);
    REQUIRE(letters);
    REQUIRE(letters->size() == 2);
    CHECK((*letters)[0].row.seq == 13);
    CHECK((*letters)[0].row.payload.find("POISON") != std::string::npos);
    CHECK(rig.publisher->held_streams(rig.now).empty());
  }
}

TEST_CASE("publisher: after a burial messages grow back to full packing") {
  MarkedRig rig(Kind::kRefuse, 0x99);
  REQUIRE(rig.drain(seconds(60)));
  for (int i = 0; i < 15; ++i) {
    rig.store(rig.telemetry, 1);
    rig.run(seconds(1));
  }
  rig.broker.judge = nullptr;
  rig.store(rig.telemetry, 500);
  const std::size_t before = rig.broker.published.size();
  rig.run(seconds(1));
  CHECK(rig.broker.published.size() == before + 1);
}

TEST_CASE(
    "publisher: a quota holds one stream with growing pauses, others go on, and nothing is ever buried") {
  PublisherRig rig;
  rig.broker.is_automatic = true;
  bool is_over_quota = true;
  rig.broker.judge = [&](const MemoryBroker::Record& record) {
    const bool is_meant = is_over_quota && record.topic == "outrider/v1/telemetry";
    return is_meant ? Answer{Kind::kRefuse, 0x97} : Answer{};
  };
  rig.store(rig.telemetry, 10);
  rig.run(seconds(1));
  rig.store(rig.other, 5);
  rig.run(std::chrono::hours(3));
  CHECK(rig.outbox->backlog(rig.other).rows == 0);
  CHECK(rig.outbox->backlog(rig.telemetry).rows == 10);
  CHECK(rig.publisher->counters().passing_refusals > 90);
  CHECK(rig.publisher->counters().passing_refusals < 300);
  CHECK(rig.publisher->counters().buried == 0);
  const auto held = rig.publisher->held_streams(rig.now);
  REQUIRE(held.size() == 1);
  CHECK(held[0].topic == "outrider/v1/telemetry");
  CHECK(held[0].reason == "rejected");
  CHECK(held[0].next_try > rig.now);
  CHECK_FALSE(held[0].needs_help);
  is_over_quota = false;
  REQUIRE(rig.drain(seconds(130)));
  rig.check_complete(rig.telemetry);
}

TEST_CASE("publisher: a topic that is not allowed costs one row, and the rest waits until it is") {
  PublisherRig rig;
  rig.broker.is_automatic = true;
  bool is_allowed = false;
  rig.broker.judge = [&](const MemoryBroker::Record& record) {
    const bool is_meant = !is_allowed && record.topic == "outrider/v1/telemetry";
    return is_meant ? Answer{Kind::kRefuse, 0x87} : Answer{};
  };
  rig.store(rig.telemetry, 30);
  rig.store(rig.other, 5);
  rig.run(std::chrono::hours(24));
  CHECK(rig.publisher->counters().buried == 1);
  CHECK(rig.outbox->backlog(rig.telemetry).rows == 30);  // a gap record, and 29 rows
  CHECK(rig.outbox->backlog(rig.other).rows == 0);
  const auto held = rig.publisher->held_streams(rig.now);
  REQUIRE(held.size() == 1);
  CHECK(held[0].needs_help);
  REQUIRE(rig.publisher->last_trouble());
  CHECK(rig.publisher->last_trouble()->text == "outrider/v1/telemetry: rejected");
  is_allowed = true;
  REQUIRE(rig.drain(seconds(150)));
  rig.check_complete(rig.telemetry);
  CHECK(rig.publisher->held_streams(rig.now).empty());
}

TEST_CASE("publisher: a row larger than the broker's packet limit is buried without being sent") {
  PublisherRig rig;
  rig.broker.is_automatic = true;
  rig.broker.limits.max_packet_bytes = 1000;
  rig.store(rig.telemetry, 3);
  rig.store(rig.telemetry, 1, 2000);
  rig.store(rig.telemetry, 3);
  REQUIRE(rig.drain(seconds(10)));
  rig.check_complete(rig.telemetry);
  CHECK(rig.consumed("v1/telemetry").lost == std::set<Sequence>{4});
}

TEST_CASE("publisher: a broker that takes no QoS 1 gets nothing, and nothing is buried") {
  PublisherRig rig;
  rig.broker.is_automatic = true;
  rig.broker.limits.max_qos = 0;
  rig.broker.limits.max_packet_bytes = 10;  // how the fake refuses
  rig.store(rig.telemetry, 3);
  rig.run(std::chrono::hours(1));
  CHECK(rig.publisher->counters().buried == 0);
  CHECK(rig.outbox->backlog(rig.telemetry).rows == 3);
}

TEST_CASE("publisher: a row that ends every connection is buried with proof, the others get through") {
  MarkedRig rig(Kind::kClose, 0);
  rig.store(rig.other, 20);
  REQUIRE(rig.drain(std::chrono::hours(6)));
  rig.check_complete(rig.telemetry);
  rig.check_complete(rig.other);
  CHECK(rig.consumed("v1/telemetry").lost == std::set<Sequence>{13, 34});
  CHECK(rig.publisher->counters().buried == 2);
  rig.broker.judge = nullptr;
  for (int i = 0; i < 40; ++i) {
    rig.store(rig.telemetry, 1);
    rig.run(seconds(1));
  }
  CHECK_FALSE(rig.publisher->is_careful());
}

TEST_CASE("publisher: a broker that ends connections for other reasons, or a bad network, costs no row") {
  for (const int reason : {kNetwork, 0x8B, 0x8D, 0x8E, 0x97, 0x98}) {
    CAPTURE(reason);
    PublisherRig rig;
    rig.broker.is_automatic = true;
    rig.publisher->set_status("v1", "{\"rows\":[]}");
    rig.store(rig.telemetry, 1);
    rig.broker.judge = [](const MemoryBroker::Record& record) {
      return record.topic.ends_with("status") ? Answer{} : Answer{Kind::kAcceptSilently};
    };
    for (int i = 0; i < 20; ++i) {
      while (rig.publisher->mode() != Publisher::Mode::kLive) rig.turn();
      rig.turn();
      reason == kNetwork ? rig.broker.drop() : rig.broker.close("ended", reason);
      rig.turn();
    }
    CHECK(rig.publisher->counters().buried == 0);
    CHECK(rig.outbox->backlog(rig.telemetry).rows == 1);
  }
}

TEST_CASE("publisher: a broker that ends every connection before it answers anything costs no row") {
  PublisherRig rig;
  rig.broker.is_automatic = true;
  rig.publisher->set_status("v1", "{\"rows\":[]}");
  rig.store(rig.telemetry, 3);
  rig.broker.judge = [](const MemoryBroker::Record&) { return Answer{Kind::kClose}; };
  rig.run(std::chrono::hours(12));
  CHECK(rig.publisher->counters().losses > 300);
  CHECK(rig.publisher->counters().buried == 0);
  rig.broker.judge = nullptr;
  REQUIRE(rig.drain(seconds(150)));
  rig.check_complete(rig.telemetry);
}

TEST_CASE("publisher: a topic for which the broker ends the connection costs one row, and the others go on") {
  PublisherRig rig;
  rig.broker.is_automatic = true;
  rig.publisher->set_status("v1", "{\"rows\":[]}");
  bool is_allowed = false;
  rig.broker.judge = [&](const MemoryBroker::Record& record) {
    return !is_allowed && record.topic == "outrider/v1/telemetry" ? Answer{Kind::kClose} : Answer{};
  };
  rig.store(rig.telemetry, 30);
  for (int minute = 0; minute < 12 * 60; ++minute) {
    rig.store(rig.other, 1);
    rig.run(seconds(60));
  }
  CHECK(rig.publisher->counters().buried == 1);
  CHECK(rig.outbox->backlog(rig.telemetry).rows == 30);
  CHECK(rig.consumed("v2/telemetry").rows.size() > 700);
  const auto held = rig.publisher->held_streams(rig.now);
  REQUIRE(held.size() == 1);
  CHECK(held[0].needs_help);
  is_allowed = true;
  REQUIRE(rig.drain(seconds(600)));
  rig.check_complete(rig.telemetry);
  rig.check_complete(rig.other);
}

TEST_CASE("publisher: two agents with one client id kick each other out seldom, and nothing is lost") {
  PublisherRig rig;
  rig.broker.is_automatic = true;
  nanoseconds shortest = std::chrono::hours(1);
  for (int i = 0; i < 20; ++i) {
    while (!rig.broker.is_connected()) rig.turn();
    rig.store(rig.telemetry, 1);
    rig.run(seconds(40));
    rig.broker.close("session taken over", 0x8E);
    const BootTime kicked = rig.now;
    const std::size_t before = rig.broker.requests.size();
    while (rig.broker.requests.size() == before) rig.turn();
    shortest = std::min<nanoseconds>(shortest, rig.now - kicked);
  }
  CHECK(shortest >= seconds(60));
  CHECK(rig.publisher->counters().takeovers == 20);
  REQUIRE(rig.drain(seconds(10)));
  rig.check_complete(rig.telemetry);
}

TEST_CASE(
    "publisher: a broker that closes connections without a reason raises the question who else has our "
    "client id") {
  PublishConfig config;
  config.brokers = {{.host = "only"}};
  PublisherRig rig(config);
  rig.broker.is_automatic = true;
  const auto asks_after = [&](nanoseconds connected, auto end) {
    while (!rig.broker.is_connected()) rig.turn();
    rig.turn(connected);
    end();
    rig.turn();
    const std::string said = rig.publisher->last_trouble()->text;
    CHECK(rig.publisher->link_text(rig.now).find(said) != std::string::npos);
    return said.find("another client connected as \"agent\"?") != std::string::npos;
  };
  const auto closes = [&] { rig.broker.close(); };
  const auto vanishes = [&] { rig.broker.drop(); };
  CHECK_FALSE(asks_after(seconds(40), closes));
  CHECK_FALSE(asks_after(seconds(1), closes));
  CHECK(asks_after(seconds(40), closes));
  CHECK(asks_after(seconds(1), closes));
  CHECK_FALSE(asks_after(seconds(1), vanishes));
  CHECK_FALSE(asks_after(seconds(1), closes));
  CHECK_FALSE(asks_after(seconds(1), closes));
  CHECK_FALSE(asks_after(std::chrono::minutes(10), closes));
  CHECK_FALSE(asks_after(seconds(1), closes));
}
