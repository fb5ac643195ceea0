// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "agent/status/status_report.h"

using namespace outrider;

namespace {

constexpr nanoseconds kWithin = seconds(600);

/// An agent that has been well for a day.
StatusReport well() {
  StatusReport report;
  report.uptime = seconds(86'400);
  report.input = {.frames = 100, .matched = 100, .silence = milliseconds(10)};
  report.link.is_connected = true;
  report.link.since = seconds(86'400);
  report.store.commits = 10;
  report.ledger = {.sampled = 10, .delivered = 5, .waiting = 3, .lost = 2};
  return report;
}

std::string why(const StatusReport& report) { return complaint(report, kWithin).value_or("nothing"); }

}  // namespace

TEST_CASE("health: data that flows is healthy, with losses that are reported too") {
  CHECK(why(well()) == "nothing");
}

TEST_CASE("health: silence of the bus and of the broker are normal until they last too long") {
  StatusReport report = well();
  report.input.silence = kWithin;
  report.link.is_connected = false;
  report.link.since = kWithin;
  CHECK(why(report) == "nothing");
  report.link.since = kWithin + seconds(1);
  report.link.last_error = "broker:1883: refused";
  CHECK(why(report) == "no connection to a broker for 10 min 1 s: broker:1883: refused");
  report.input.silence = kWithin + seconds(1);
  CHECK(why(report) == "no frame came for 10 min 1 s");
}

TEST_CASE(
    "health: a stream that the broker refuses is well while it is tried again, not when it needs help") {
  StatusReport report = well();
  report.link.held = {{.topic = "outrider/v1/events", .reason = "quota exceeded", .refusals = 3}};
  CHECK(why(report) == "nothing");
  report.link.held.push_back(
      {.topic = "outrider/v1/telemetry", .reason = "not authorized", .refusals = 9, .needs_help = true});
  CHECK(why(report) == "the broker refuses outrider/v1/telemetry: not authorized");
}

TEST_CASE("health: an agent that never heard a frame is well only for a while") {
  StatusReport report = well();
  report.input.silence.reset();
  CHECK(why(report) == "no frame came since the start 24 h 0 min ago");
  report.uptime = seconds(30);
  CHECK(why(report) == "nothing");
}

TEST_CASE("health: a buffer that is not written, is damaged or does not add up is never well") {
  StatusReport failing = well();
  failing.store.is_failing = true;
  failing.store.last_error = "the disk is full";
  CHECK(why(failing) == "the buffer cannot be written: the disk is full");
  StatusReport damaged = well();
  damaged.store.is_damaged = true;
  CHECK(why(damaged) == "the buffer is damaged");
  StatusReport idle = well();
  idle.store.commits = 0;
  CHECK(why(idle) == "nothing has been written to the buffer yet");
  StatusReport open = well();
  open.closes = false;
  open.ledger.lost = 1;
  CHECK(why(open) == "the ledger does not close: sampled 10 is not delivered 5 + waiting 3 + lost 1");
}
