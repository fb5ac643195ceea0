// SPDX-License-Identifier: Apache-2.0
// The whole agent on fakes and a manual clock: hours in milliseconds.
#include "tests/scenario/agent_rig.h"

using namespace outrider;
using nlohmann::json;

TEST_CASE("agent: a drive arrives whole, in order, in rows of a commit interval") {
  Rig rig;
  rig.drive(seconds(60));
  rig.settle();
  const Seen all = rig.seen();
  rig.check_order_and_completeness(all);
  CHECK(all.samples == rig.sent + 1);  // every speed, and the temperature once
  CHECK(all.repeats == 0);
  CHECK(all.numbers.size() >= 115);
  CHECK(all.numbers.size() <= 125);
  CHECK(all.clocks.front() == "synced");
  CHECK(all.times.front() == "2026-11-22T10:00:00.000Z");
}

TEST_CASE("agent: a tunnel of an hour costs nothing, and the backlog comes in order") {
  Rig rig;
  rig.drive(seconds(10));
  rig.broker.is_automatic = false;
  rig.broker.drop("tunnel");
  rig.drive(seconds(3600));
  CHECK(rig.agent->progress().waiting > 30'000);
  rig.broker.is_automatic = true;
  rig.drive(seconds(200));
  rig.settle();
  const Seen all = rig.seen();
  rig.check_order_and_completeness(all);
  CHECK(all.samples == rig.sent + 1);
  const Ledger ledger = rig.ledger();
  CHECK(ledger.sampled == ledger.delivered + ledger.waiting + ledger.lost);
  CHECK(ledger.delivered == all.samples);
}

TEST_CASE("agent: repeats after a lost acknowledgement carry the same content under the same key") {
  Rig rig;
  rig.broker.is_automatic = false;
  rig.turn();
  rig.broker.accept();
  rig.drive(seconds(5));
  rig.broker.acknowledge_next(2);
  rig.turn();
  rig.broker.drop();
  rig.clock.set_offset(rig.clock.reference().offset + nanoseconds(700'000));  // noise of two clock readings
  rig.broker.is_automatic = true;
  rig.drive(seconds(5));
  rig.settle();
  const Seen all = rig.seen();
  CHECK(all.repeats > 0);
  rig.check_order_and_completeness(all);
  CHECK(all.samples == rig.sent + 1);
}

TEST_CASE("agent: rows stored before the clock was right are published with corrected times") {
  Rig rig;
  rig.broker.is_automatic = false;
  rig.clock.set_synced(false);
  rig.clock.set_wall(WallTime(seconds(1000)));  // 1970
  rig.agent.reset();
  rig.outbox.reset();
  rig.start();
  rig.drive(seconds(2));
  rig.clock.set_wall(WallTime(seconds(1'795'341'700)));
  rig.clock.set_synced(true);
  rig.drive(seconds(2));
  rig.broker.is_automatic = true;
  rig.settle();
  const Seen all = rig.seen();
  CHECK(all.clocks.front() == "corrected");
  CHECK(all.clocks.back() == "synced");
  CHECK(all.times.front() == "2026-11-22T10:01:38.000Z");  // two seconds before the sync
}

TEST_CASE("agent: frames lost before us and frames the inbox could not take are reported in the stream") {
  Rig rig;
  rig.drive(seconds(2));
  rig.can.set_overruns(0, 12);
  for (int i = 0; i < 1500; ++i) rig.frame(i);
  rig.turn();
  rig.settle();
  const Seen all = rig.seen();
  CHECK(all.lost.at("can0.overrun") == 12);
  CHECK(all.lost.at("inbox.full") == 500);
  const Ledger ledger = rig.ledger();
  CHECK(ledger.lost == 512);
  CHECK(ledger.sampled == ledger.delivered + ledger.waiting + ledger.lost);
}

TEST_CASE("agent: invalid values are reported even when nothing else is kept") {
  Config config;
  config.signals = {SignalRule{.signal = "Temp", .valid_min = 0, .valid_max = 50}};
  Rig rig(config);
  for (int i = 0; i < 30; ++i) {
    rig.frame(0, 99);
    rig.turn();
  }
  rig.settle();
  const Seen all = rig.seen();
  CHECK(all.samples == 0);
  CHECK(all.lost.at("Temp.invalid") == 30);
}

TEST_CASE("agent: a value that changed just before silence arrives all the same") {
  Config config;
  config.signals = {SignalRule{.signal = "Speed"}};  // at most 10 per second
  Rig rig(config);
  rig.frame(100);
  rig.turn();
  rig.frame(200);
  rig.turn();
  for (int i = 0; i < 30; ++i) rig.turn();
  const Seen all = rig.seen();
  CHECK(all.samples == 2);
}

TEST_CASE("agent: a long outage fills the buffer, the oldest samples go, and the cloud is told") {
  Config config;
  config.buffer.commit_interval = milliseconds(100);  // many small rows
  Rig rig(config);
  rig.broker.is_automatic = false;
  rig.agent.reset();
  rig.outbox.reset();
  rig.start(1 << 20);  // the smallest store
  rig.drive(seconds(2000));
  CHECK(rig.agent->progress().waiting > 0);
  rig.broker.is_automatic = true;
  rig.drive(seconds(120));
  rig.settle();
  const Seen all = rig.seen();
  rig.check_order_and_completeness(all);
  CHECK(all.lost.at("buffer_full") > 0);
  CHECK(all.samples + all.lost.at("buffer_full") == rig.sent + 1);
  CHECK(all.times.front() > "2026-11-22T10:10:00Z");
  const Ledger ledger = rig.ledger();
  CHECK(rig.outbox->losses(rig.agent->lanes().front().streams().telemetry) ==
        LossCounts{{"buffer_full", ledger.lost}});
  CHECK(ledger.sampled == rig.sent + 1);
  CHECK(ledger.sampled == ledger.delivered + ledger.lost);
}

TEST_CASE("agent: a batch that makes more rows than the staging memory holds loses nothing") {
  Config config;
  config.buffer.commit_interval = milliseconds(10);  // a row per frame
  Rig rig(config);
  CanFrame frame{.id = 256, .length = 8};
  for (int i = 0; i < 1000; ++i) {
    frame.time = rig.clock.now() + milliseconds(20) * i;
    frame.data[0] = static_cast<std::uint8_t>(i);
    frame.data[2] = static_cast<std::uint8_t>(i % 100);
    rig.inbox.push(frame);
  }
  rig.turn();  // 1000 rows of about 200 bytes with what is kept beside each; 64 KiB may be staged
  rig.settle();
  const Seen all = rig.seen();
  rig.check_order_and_completeness(all);
  CHECK(all.lost.empty());
  CHECK(all.samples > 1900);
}

TEST_CASE("agent: logs that were glued together keep the times of each") {
  Rig rig;
  CanFrame frame{.id = 256, .length = 8};
  for (const std::int64_t start_s : {10'000'000, 100}) {
    for (int i = 0; i < 3; ++i) {
      frame.time = BootTime(seconds(start_s) + milliseconds(100) * i);
      frame.data[0] = static_cast<std::uint8_t>(start_s + i);
      rig.inbox.push(frame);
    }
  }
  rig.turn();
  rig.settle();
  const Seen all = rig.seen();
  REQUIRE(all.times.size() == 2);
  CHECK(all.times[0] > all.times[1]);
  CHECK(all.samples == 7);  // six speeds, and a temperature that stayed
}

TEST_CASE("agent: vehicles share a connection and keep their own order") {
  Rig rig({}, {"v1", "v2", "v3"});
  for (int i = 0; i < 100; ++i) {
    for (std::uint16_t bus = 0; bus < 3; ++bus) rig.frame(i * (bus + 1), 20, bus);
    rig.turn();
  }
  rig.settle();
  for (const char* vehicle : {"v1", "v2", "v3"}) {
    const Seen all = rig.seen("outrider/" + std::string(vehicle) + "/telemetry");
    rig.check_order_and_completeness(all);
    CHECK(all.samples == 101);
  }
}

TEST_CASE("agent: the start is an event, and the status document names the catalogue of the rows") {
  Rig rig;
  rig.drive(seconds(2));
  rig.settle();
  json started;
  json status;
  json telemetry;
  for (const auto& message : rig.broker.published) {
    if (message.topic == "outrider/v1/events" && started.is_null()) started = json::parse(message.payload);
    if (message.topic == "outrider/v1/status") status = json::parse(message.payload);
    if (message.topic == "outrider/v1/telemetry" && telemetry.is_null())
      telemetry = json::parse(message.payload);
  }
  CHECK(started["schema"] == "outrider/event/1");
  CHECK(started["rows"][0]["event"] == "started");
  CHECK(started["rows"][0]["last_stop"] == "clean");
  CHECK(status["online"] == true);
  CHECK(telemetry["rows"][0]["catalogue"] == status["catalogue"]);
  CHECK_FALSE(telemetry["rows"].back().value("catalogue", "").size() > 16);
  rig.agent->stop();
  CHECK(json::parse(rig.broker.published.back().payload)["online"] == false);
  CHECK(rig.broker.was_polite);
}

TEST_CASE("agent: a second run goes on with the next number") {
  Rig rig;
  rig.drive(seconds(5));
  rig.settle();
  rig.agent.reset();
  rig.start();
  rig.drive(seconds(5));
  rig.settle();
  rig.check_order_and_completeness(rig.seen());
}
