// SPDX-License-Identifier: Apache-2.0
// A connection that is ended because there is something new to connect with.
#include <doctest/doctest.h>

#include "tests/unit/publish/publisher_rig.h"

using namespace outrider;

namespace {

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("publisher: a connection is renewed politely and at once, when nothing is in flight any more") {
  PublisherRig rig;
  rig.store(rig.telemetry, 1);
  rig.connect();
  REQUIRE(rig.publisher->in_flight() == 1);
  rig.publisher->renew_connection();
  rig.store(rig.telemetry, 1);
  rig.turn();
  CHECK(rig.sent() == Texts{"v1/telemetry 1"});  // nothing more goes out
  CHECK(rig.broker.requests.size() == 1);
  rig.broker.acknowledge_next();
  rig.turn();
  CHECK(rig.broker.was_polite);
  CHECK(rig.publisher->mode() == Publisher::Mode::kOffline);
  rig.turn();
  REQUIRE(rig.broker.requests.size() == 2);
  CHECK(rig.broker.requests[1].address.host == "first");  // not the turn of the next one
  rig.broker.accept();
  rig.turn();
  CHECK(rig.sent() == Texts{"v1/telemetry 1", "v1/telemetry 2"});
  CHECK(rig.publisher->counters().losses == 0);
  rig.run(seconds(20));
  CHECK(rig.broker.requests.size() == 2);
}

TEST_CASE("publisher: a renewal waits for a dead link no longer than for any") {
  PublisherRig rig;
  rig.store(rig.telemetry, 1);
  rig.connect();
  rig.publisher->renew_connection();
  rig.run(seconds(40));
  CHECK(rig.broker.requests.size() == 2);
  CHECK(rig.publisher->counters().losses == 1);
  rig.broker.accept();
  rig.turn();
  rig.broker.acknowledge_next();
  rig.run(seconds(20));
  CHECK(rig.broker.requests.size() == 2);  // the new connection was what was wanted
}

TEST_CASE("publisher: nothing is renewed while there is no connection") {
  PublisherRig rig;
  rig.publisher->renew_connection();
  rig.connect();
  rig.run(seconds(1));
  CHECK(rig.broker.requests.size() == 1);
  CHECK(rig.publisher->mode() == Publisher::Mode::kLive);
}
