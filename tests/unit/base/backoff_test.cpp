// SPDX-License-Identifier: Apache-2.0
#include "agent/base/backoff.h"

#include <doctest/doctest.h>

using namespace outrider;

TEST_CASE("backoff: the widest delay doubles with every failure up to the cap") {
  const BackoffLimits limits{.base = milliseconds(1000), .cap = milliseconds(120'000)};
  const double almost_one = 0.9999999999;
  CHECK(backoff_delay(limits, 1, almost_one) == milliseconds(999));
  CHECK(backoff_delay(limits, 2, almost_one) == milliseconds(1999));
  CHECK(backoff_delay(limits, 7, almost_one) == milliseconds(63'999));
  CHECK(backoff_delay(limits, 8, almost_one) == milliseconds(119'999));
  CHECK(backoff_delay(limits, 4'000'000'000U, almost_one) == milliseconds(119'999));
}

TEST_CASE("backoff: full jitter reaches down to nothing") {
  CHECK(backoff_delay({}, 5, 0.0) == milliseconds(0));
  CHECK(backoff_delay({}, 3, 0.5) == milliseconds(2000));
}

TEST_CASE("backoff: asking before any failure is like the first") {
  CHECK(backoff_delay({}, 0, 0.5) == backoff_delay({}, 1, 0.5));
}
