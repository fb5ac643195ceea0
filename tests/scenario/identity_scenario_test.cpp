// SPDX-License-Identifier: Apache-2.0
// The whole agent and the certificate by which its brokers know it.
#include <algorithm>

#include "tests/scenario/agent_rig.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_identity.h"

using namespace outrider;
using nlohmann::json;

namespace {

using std::chrono::days;

const WallTime kStart{seconds(1'795'341'600)};  // of the manual clock

Config secure(const TemporaryDirectory& directory) {
  Config config;
  config.publish.brokers = {{.host = "broker", .port = 8883, .is_secure = true}};
  config.publish.tls.certificate = directory.file("device.pem");
  config.publish.tls.key = directory.file("device.key");
  return config;
}

std::vector<json> certificate_events(const Rig& rig) {
  std::vector<json> events;
  for (const auto& message : rig.broker.published) {
    if (message.topic != "outrider/v1/events") continue;
    const json document = json::parse(message.payload);
    for (const json& row : document["rows"])
      if (row["event"].get<std::string>().find("certificate_") == 0) events.push_back(row);
  }
  return events;
}

void turn_for(Rig& rig, nanoseconds length, nanoseconds step) {
  for (nanoseconds passed{}; passed < length; passed += step) rig.turn(step);
}

}  // namespace

TEST_CASE(
    "identity: the end of the certificate is an event in the stream, once, also over a restart of the "
    "agent") {
  const TemporaryDirectory directory;
  const Config config = secure(directory);
  TestIdentity("truck-17", kStart + days(8)).write(config.publish.tls.certificate, config.publish.tls.key);
  Rig rig(config);
  turn_for(rig, days(2), std::chrono::hours(1));
  rig.start();
  turn_for(rig, days(8), std::chrono::hours(1));
  rig.settle();
  const std::vector<json> events = certificate_events(rig);
  REQUIRE(events.size() == 4);
  const std::vector<std::string> kinds{"certificate_expires", "certificate_expires", "certificate_expires",
                                       "certificate_expired"};
  const std::vector<std::string> severities{"warning", "warning", "critical", "critical"};
  for (std::size_t i = 0; i < events.size(); ++i) {
    CHECK(events[i]["event"] == kinds[i]);
    CHECK(events[i]["severity"] == severities[i]);
    CHECK(events[i]["subject"] == "CN=truck-17");
    CHECK(events[i]["not_after"] == "2026-11-30T10:00:00.000Z");
  }
  CHECK(events[0]["days_left"] == 7);
  CHECK(rig.agent->report().certificate->days_left < 0);
}

TEST_CASE(
    "identity: a new certificate brings a new connection within seconds, and is told; nothing is lost") {
  const TemporaryDirectory directory;
  const Config config = secure(directory);
  TestIdentity("old", kStart + days(300)).write(config.publish.tls.certificate, config.publish.tls.key);
  Rig rig(config);
  rig.drive(seconds(10));
  REQUIRE(rig.broker.requests.size() == 1);
  CHECK(rig.agent->report().certificate->subject == "CN=old");
  TestIdentity("new", kStart + days(400)).write(config.publish.tls.certificate, config.publish.tls.key);
  rig.drive(seconds(15));
  CHECK(rig.broker.requests.size() == 2);
  CHECK(rig.agent->report().certificate->subject == "CN=new");
  rig.settle();
  const std::vector<json> events = certificate_events(rig);
  REQUIRE(events.size() == 1);
  CHECK(events[0]["event"] == "certificate_renewed");
  const Seen seen = rig.seen();
  rig.check_order_and_completeness(seen);
  CHECK(seen.repeats == 0);
}

TEST_CASE("identity: where no secure broker is, no certificate is watched") {
  const TemporaryDirectory directory;
  Config config = secure(directory);
  TestIdentity("truck-17", kStart - days(1)).write(config.publish.tls.certificate, config.publish.tls.key);
  config.publish.brokers = {{.host = "localhost"}};
  Rig rig(config);
  rig.drive(seconds(10));
  CHECK(certificate_events(rig).empty());
  CHECK_FALSE(rig.agent->report().certificate);
}
