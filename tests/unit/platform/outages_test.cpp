// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/outages.h"

#include <doctest/doctest.h>

namespace outrider {
TEST_CASE("outages: without any, bytes always pass") {
  const Outages none({});
  CHECK(none.is_passing(nanoseconds(0)));
  CHECK(none.is_passing(std::chrono::hours(100)));
}

TEST_CASE("outages: the link is cut from the start of a window up to its end") {
  const Outages outages({{seconds(30), seconds(20)}});
  CHECK(outages.is_passing(seconds(30) - nanoseconds(1)));
  CHECK_FALSE(outages.is_passing(seconds(30)));
  CHECK_FALSE(outages.is_passing(seconds(50) - nanoseconds(1)));
  CHECK(outages.is_passing(seconds(50)));
}

TEST_CASE("outages: windows in any order that overlap or touch are one, empty ones are none") {
  const Outages outages({{seconds(20), seconds(10)},
                         {seconds(10), seconds(5)},
                         {seconds(12), seconds(8)},
                         {seconds(40), seconds(0)},
                         {seconds(11), seconds(1)}});
  CHECK(outages.is_passing(seconds(10) - nanoseconds(1)));
  for (int at = 10; at < 30; ++at) CHECK_FALSE(outages.is_passing(seconds(at)));
  CHECK(outages.is_passing(seconds(30)));
  CHECK(outages.is_passing(seconds(40)));
}

TEST_CASE("outages: one that lasts for ever does not overflow") {
  const Outages outages({{seconds(5), nanoseconds::max()}});
  CHECK_FALSE(outages.is_passing(std::chrono::hours(10'000)));
}

}  // namespace outrider
