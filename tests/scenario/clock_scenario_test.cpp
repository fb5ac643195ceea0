// SPDX-License-Identifier: Apache-2.0
// The whole agent with a wall clock that is wrong, steps and comes late: order, content and link must not care.
#include <algorithm>

#include "tests/scenario/agent_rig.h"

namespace outrider {
namespace {

constexpr WallTime kToday{seconds(1'795'341'600)};  // 2026-11-22T10:00:00Z, at the start of every case
constexpr WallTime kLongAgo{seconds(1000)};         // what a clock without a battery says

/// A device whose clock nobody has set yet, in a tunnel.
struct NewDevice : Rig {
  NewDevice() {
    broker.is_automatic = false;
    clock.set_synced(false);
    clock.set_wall(kLongAgo);
    agent.reset();
    outbox.reset();
    start();
  }
  void sync(WallTime now) {
    clock.set_wall(now);
    clock.set_synced(true);
  }
  void leave_tunnel() {
    broker.is_automatic = true;
    settle();
  }
};

bool are_ascending(const std::vector<std::string>& times) {
  return std::is_sorted(times.begin(), times.end());
}

TEST_CASE("clock: an hour in 1970 comes out right once the time is known") {
  NewDevice device;
  device.drive(seconds(20));
  device.clock.advance(std::chrono::hours(1));
  device.drive(seconds(20));
  device.sync(kToday + std::chrono::hours(2));
  device.drive(seconds(2));
  device.leave_tunnel();
  const Seen all = device.seen();
  device.check_order_and_completeness(all);
  CHECK(all.clocks.front() == "corrected");
  CHECK(all.clocks.back() == "synced");
  CHECK(are_ascending(all.times));
  CHECK(all.times.front().substr(0, 19) == "2026-11-22T10:59:20");  // an hour and 40 s before the sync
}

TEST_CASE("clock: what was sent before the time was known says that it is a guess") {
  NewDevice device;
  device.drive(seconds(2));
  device.leave_tunnel();
  const Seen all = device.seen();
  CHECK(std::all_of(all.clocks.begin(), all.clocks.end(),
                    [](const auto& clock) { return clock == "estimated"; }));
}

TEST_CASE("clock: a boot that never learned the time stays a guess, also after the next one did") {
  NewDevice device;
  device.drive(seconds(2));
  REQUIRE(device.agent->finish());
  const Sequence last_of_first =
      device.outbox->backlog(device.agent->lanes().front().streams().telemetry).newest;
  device.agent.reset();
  device.clock.reboot("second boot");
  device.start();
  device.sync(kToday);
  device.drive(seconds(2));
  device.leave_tunnel();
  const Seen all = device.seen();
  device.check_order_and_completeness(all);
  REQUIRE(all.clocks.size() > static_cast<std::size_t>(last_of_first));
  const auto first_of_second = all.clocks.begin() + last_of_first;
  const auto is_guess = [](const std::string& clock) { return clock == "estimated"; };
  CHECK(std::all_of(all.clocks.begin(), first_of_second, is_guess));
  CHECK(std::none_of(first_of_second, all.clocks.end(), is_guess));
}

TEST_CASE("clock: a row that was sent as synced keeps its time when it is repeated after a step") {
  Rig rig;
  rig.broker.judge = [](const auto&) {
    return MemoryBroker::Answer{MemoryBroker::Answer::Kind::kAcceptSilently};
  };
  rig.drive(seconds(5));
  const std::size_t sent_before = rig.broker.published.size();
  CHECK(sent_before > 2);
  rig.clock.set_offset(rig.clock.reference().offset - std::chrono::hours(1));
  rig.broker.judge = nullptr;
  rig.broker.drop();
  rig.drive(seconds(20));
  rig.settle();
  const Seen all = rig.seen();
  CHECK(all.repeats > 0);
  rig.check_order_and_completeness(all);  // times are part of the content that must not differ
}

TEST_CASE("clock: steps of an hour back and of a year forward cost neither rows, order nor the link") {
  Config config;
  config.buffer.max_age = std::chrono::minutes(30);
  Rig rig(config);
  rig.drive(seconds(10));
  const nanoseconds right = rig.clock.reference().offset;
  for (const nanoseconds step :
       {nanoseconds(-std::chrono::hours(1)), nanoseconds(std::chrono::hours(24 * 365)),
        nanoseconds(-std::chrono::hours(24 * 365 * 56))}) {
    rig.clock.set_offset(right + step);
    rig.drive(seconds(40));  // longer than an acknowledgement may take
  }
  rig.clock.set_offset(right);
  rig.drive(seconds(10));
  rig.settle();
  const Seen all = rig.seen();
  rig.check_order_and_completeness(all);
  CHECK(all.repeats == 0);
  CHECK(all.lost.empty());
  CHECK(all.samples >= rig.sent);
  CHECK(rig.broker.requests.size() == 1);
}

TEST_CASE("clock: rows that wait in a tunnel do not grow old because the date jumps") {
  Config config;
  config.buffer.max_age = std::chrono::minutes(30);
  Rig rig(config);
  rig.broker.is_automatic = false;
  rig.broker.drop();
  rig.drive(seconds(10));
  rig.clock.set_offset(rig.clock.reference().offset + std::chrono::hours(24 * 365));
  rig.drive(seconds(10));
  rig.broker.is_automatic = true;
  rig.settle();
  const Seen all = rig.seen();
  rig.check_order_and_completeness(all);
  CHECK(all.lost.empty());
}

TEST_CASE("clock: a suspend of eight hours is a silence, not a reason to lose or repeat") {
  Rig rig;
  rig.drive(seconds(10));
  rig.settle();
  rig.clock.advance(std::chrono::hours(8));  // boot time counts suspend
  rig.drive(seconds(10));
  rig.settle();
  const Seen all = rig.seen();
  rig.check_order_and_completeness(all);
  CHECK(are_ascending(all.times));
  CHECK(all.lost.empty());
  CHECK(all.times.front().substr(0, 13) == "2026-11-22T10");
  CHECK(all.times.back().substr(0, 13) == "2026-11-22T18");
}

}  // namespace
}  // namespace outrider
