// SPDX-License-Identifier: Apache-2.0
#include "agent/collector.h"

#include <doctest/doctest.h>

#include "tests/support/scripted_can.h"

using namespace outrider;

namespace {

std::vector<CanFrame> numbered(std::size_t count) {
  std::vector<CanFrame> frames(count);
  for (std::size_t i = 0; i < count; ++i) frames[i].id = static_cast<std::uint32_t>(i);
  return frames;
}

}  // namespace

TEST_CASE("collector: everything of a log reaches the inbox in order, however small the inbox is") {
  constexpr std::size_t kCount = 5000;
  ScriptedCan log(true);
  log.feed(numbered(kCount));
  log.end();
  Inbox<CanFrame> inbox(1024);
  Bell bell;
  Collector collector(log, inbox, bell);
  std::vector<CanFrame> all;
  std::vector<CanFrame> batch;
  while (!collector.has_ended() || inbox.size() > 0) {
    inbox.take_all(batch);
    all.insert(all.end(), batch.begin(), batch.end());
    bell.wait(milliseconds(1));
  }
  REQUIRE(all.size() == kCount);
  CHECK(inbox.dropped() == 0);
  for (std::size_t i = 0; i < kCount; ++i) REQUIRE(all[i].id == i);
}

TEST_CASE("collector: a bus does not wait, and what the inbox could not take is counted") {
  ScriptedCan bus(false);
  bus.feed(numbered(5000));
  bus.end();
  Inbox<CanFrame> inbox(1000);
  Bell bell;
  Collector collector(bus, inbox, bell);
  while (!collector.has_ended()) bell.wait(milliseconds(10));
  std::vector<CanFrame> batch;
  inbox.take_all(batch);
  CHECK(batch.size() == 1000);
  CHECK(inbox.dropped() == 4000);
}
