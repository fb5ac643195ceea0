// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/outages.h"

#include <doctest/doctest.h>

namespace outrider {
TEST_CASE("outages: without any, bytes always pass and nothing changes") {
  const Outages none({});
  CHECK(none.is_passing(nanoseconds(0)));
  CHECK(none.is_passing(std::chrono::hours(100)));
  CHECK_FALSE(none.next_change(nanoseconds(0)));
}

TEST_CASE("outages: the link is cut from the start of a window up to its end") {
  const Outages outages({{seconds(30), seconds(20)}});
  CHECK(outages.is_passing(seconds(30) - nanoseconds(1)));
  CHECK_FALSE(outages.is_passing(seconds(30)));
  CHECK_FALSE(outages.is_passing(seconds(50) - nanoseconds(1)));
  CHECK(outages.is_passing(seconds(50)));
}

TEST_CASE("outages: the next change is the next edge, strictly later") {
  const Outages outages({{seconds(30), seconds(20)}, {seconds(100), seconds(1)}});
  CHECK(outages.next_change(seconds(0)) == seconds(30));
  CHECK(outages.next_change(seconds(30)) == seconds(50));
  CHECK(outages.next_change(seconds(50)) == seconds(100));
  CHECK(outages.next_change(seconds(100)) == seconds(101));
  CHECK_FALSE(outages.next_change(seconds(101)));
}

TEST_CASE("outages: windows in any order that overlap or touch are one, empty ones are none") {
  const Outages outages({{seconds(20), seconds(10)},
                         {seconds(10), seconds(5)},
                         {seconds(12), seconds(8)},
                         {seconds(40), seconds(0)},
                         {seconds(11), seconds(1)}});
  CHECK(outages.next_change(seconds(0)) == seconds(10));
  CHECK(outages.next_change(seconds(10)) == seconds(30));
  CHECK_FALSE(outages.next_change(seconds(30)));
  CHECK(outages.is_passing(seconds(40)));
}

TEST_CASE("outages: one that lasts for ever does not overflow") {
  const Outages outages({{seconds(5), nanoseconds::max()}});
  CHECK_FALSE(outages.is_passing(std::chrono::hours(10'000)));
  CHECK(outages.next_change(seconds(6)) == nanoseconds::max());
}

}  // namespace outrider
