// SPDX-License-Identifier: Apache-2.0
#include "agent/base/time.h"

#include <doctest/doctest.h>

using namespace outrider;

namespace {

WallTime at(std::int64_t milliseconds_since_1970) { return WallTime(milliseconds(milliseconds_since_1970)); }

}  // namespace

TEST_CASE("iso time: UTC with milliseconds, truncated") {
  CHECK(iso_time(at(0)) == "1970-01-01T00:00:00.000Z");
  CHECK(iso_time(at(1'795'341'600'500)) == "2026-11-22T10:00:00.500Z");
  CHECK(iso_time(at(1'709'164'799'999)) == "2024-02-28T23:59:59.999Z");
  CHECK(iso_time(at(1'709'164'800'000)) == "2024-02-29T00:00:00.000Z");
  CHECK(iso_time(WallTime(nanoseconds(999'999))) == "1970-01-01T00:00:00.000Z");
}

TEST_CASE("iso time: before 1970 and at the ends of what the clock can say") {
  CHECK(iso_time(at(-1)) == "1969-12-31T23:59:59.999Z");
  CHECK(iso_time(WallTime::max()).size() == kIsoTimeBytes);
  CHECK(iso_time(WallTime::min()).size() == kIsoTimeBytes);
}
