// SPDX-License-Identifier: Apache-2.0
#include "agent/publish/timeline.h"

#include <doctest/doctest.h>

using namespace outrider;

namespace {

BootTime at(int s) { return BootTime(seconds(s)); }
OffsetEntry entry(std::uint32_t boot, int from_s, int offset_s, bool is_synced) {
  return {.boot = boot, .from = at(from_s), .offset = seconds(offset_s), .is_synced = is_synced};
}

}  // namespace

TEST_CASE("timeline: rows taken before the sync come out right once it is there") {
  std::vector<OffsetEntry> offsets{entry(1, 0, 50, false)};
  CHECK(wall_time(offsets, 1, at(10)).time == WallTime(seconds(60)));
  CHECK(wall_time(offsets, 1, at(10)).quality == ClockQuality::kEstimated);
  offsets.push_back(entry(1, 100, 1'000'000, true));
  CHECK(wall_time(offsets, 1, at(10)).time == WallTime(seconds(1'000'010)));
  CHECK(wall_time(offsets, 1, at(10)).quality == ClockQuality::kCorrected);
  CHECK(wall_time(offsets, 1, at(100)).quality == ClockQuality::kSynced);
}

TEST_CASE("timeline: a later step never changes what was published as synced") {
  std::vector<OffsetEntry> offsets{entry(1, 0, 1000, true)};
  const RowTime before = wall_time(offsets, 1, at(10));
  offsets.push_back(entry(1, 50, 2000, true));
  CHECK(wall_time(offsets, 1, at(10)).time == before.time);
  CHECK(wall_time(offsets, 1, at(60)).time == WallTime(seconds(2060)));
}

TEST_CASE("timeline: boots do not borrow from each other") {
  const std::vector<OffsetEntry> offsets{entry(1, 0, 7, false), entry(2, 0, 1000, true)};
  CHECK(wall_time(offsets, 1, at(5)).time == WallTime(seconds(12)));
  CHECK(wall_time(offsets, 1, at(5)).quality == ClockQuality::kEstimated);
  CHECK(wall_time(offsets, 3, at(5)).quality == ClockQuality::kEstimated);
}

TEST_CASE("timeline: news is a first word, a sync, or a step; noise and a lost sync are not") {
  std::vector<OffsetEntry> offsets;
  CHECK(is_news(offsets, 1, {.boot_id = "b", .offset = seconds(5)}));
  offsets.push_back(entry(1, 0, 5, false));
  CHECK_FALSE(is_news(offsets, 1, {.boot_id = "b", .offset = seconds(5) + nanoseconds(900'000)}));
  CHECK(is_news(offsets, 1, {.boot_id = "b", .offset = seconds(6)}));
  CHECK(is_news(offsets, 1, {.boot_id = "b", .offset = seconds(5), .is_synced = true}));
  offsets.push_back(entry(1, 3, 5, true));
  CHECK_FALSE(is_news(offsets, 1, {.boot_id = "b", .offset = seconds(5), .is_synced = false}));
}
