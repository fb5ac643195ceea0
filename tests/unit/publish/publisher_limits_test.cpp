// SPDX-License-Identifier: Apache-2.0
// What bounds the publisher: the configured rates, and the payload that may be in flight.
#include <doctest/doctest.h>

#include "tests/unit/publish/publisher_rig.h"

using namespace outrider;

namespace {

PublishConfig small_messages() {
  PublishConfig config;
  config.max_message = 400;
  return config;
}

}  // namespace

TEST_CASE("publisher: the rate of messages is kept and reached, status documents included") {
  PublishConfig config = small_messages();
  config.max_messages_per_second = 70;
  PublisherRig rig(config);
  rig.publisher->set_status("v1", R"({"rows":[{"seq":1}]})");
  rig.broker.is_automatic = true;
  rig.store(rig.telemetry, 900, 300);  // a message each
  rig.run(seconds(10));
  CHECK(rig.broker.published.size() >= 690);
  CHECK(rig.broker.published.size() <= 720);
  CHECK(rig.publisher->is_throttled());
  CHECK(rig.publisher->mode() == Publisher::Mode::kCatchingUp);
  CHECK(rig.publisher->counters().throttled > seconds(9));
  REQUIRE(rig.drain(seconds(10)));
  rig.run(seconds(1));
  CHECK_FALSE(rig.publisher->is_throttled());
  rig.check_complete(rig.telemetry);
}

TEST_CASE("publisher: the rate of bytes is kept, also by messages larger than a second's worth") {
  PublishConfig config;
  config.max_message = 8 << 10;
  config.max_bytes_per_second = 2000;
  PublisherRig rig(config);
  rig.broker.is_automatic = true;
  rig.store(rig.telemetry, 100, 1000);
  rig.run(seconds(30));
  std::size_t bytes = 0;
  for (const auto& record : rig.broker.published) bytes += record.topic.size() + record.payload.size();
  CHECK(bytes >= 55'000);
  CHECK(bytes <= 60'000 + (8 << 10) + 500);
  REQUIRE(rig.drain(seconds(60)));
  rig.check_complete(rig.telemetry);
}

TEST_CASE("publisher: events do not wait for the telemetry that waits for the rate") {
  PublishConfig config = small_messages();
  config.max_messages_per_second = 4;
  PublisherRig rig(config);
  rig.broker.is_automatic = true;
  rig.store(rig.telemetry, 100, 300);
  rig.run(seconds(5));
  rig.store(rig.events, 1);
  const std::size_t before = rig.broker.published.size();
  rig.run(seconds(1));
  CHECK(rig.sent(before).front() == "v1/events 1");
}

TEST_CASE("publisher: of a small buffer only a part of the payload is in flight") {
  CHECK(in_flight_limit(256 << 20) == 1 << 20);
  CHECK(in_flight_limit(1 << 20) == 128 << 10);
  PublisherRig rig(small_messages(), 1000);
  rig.store(rig.telemetry, 20, 300);
  rig.connect();
  std::size_t bytes = 0;
  for (const auto& record : rig.broker.published) bytes += record.payload.size();
  CHECK(bytes > 500);
  CHECK(bytes <= 1000);
  CHECK(rig.publisher->mode() == Publisher::Mode::kCatchingUp);
  rig.broker.is_automatic = true;
  REQUIRE(rig.drain(seconds(10)));
  rig.check_complete(rig.telemetry);
}

TEST_CASE("publisher: a message always goes, however small the part of the buffer") {
  PublisherRig rig(small_messages(), 1);
  rig.store(rig.telemetry, 5, 300);
  rig.connect();
  CHECK(rig.broker.unacknowledged() == 1);
  rig.broker.is_automatic = true;
  REQUIRE(rig.drain(seconds(10)));
  rig.check_complete(rig.telemetry);
}

TEST_CASE("publisher: what was sent may have arrived, so it does not make room for new rows") {
  PublisherRig rig(small_messages(), 1 << 20, 1 << 20);
  rig.store(rig.telemetry, 3, 300);
  rig.connect();
  REQUIRE(rig.broker.unacknowledged() == 3);
  for (int i = 0; i < 400; ++i) rig.store(rig.telemetry, 10, 300);  // more than the buffer holds
  CHECK(rig.outbox->backlog(rig.telemetry).oldest == 1);
  CHECK(rig.outbox->ledger(rig.telemetry).lost > 0);
  rig.broker.is_automatic = true;
  REQUIRE(rig.drain(seconds(60)));
  rig.check_complete(rig.telemetry);
}
