// SPDX-License-Identifier: Apache-2.0
#include "agent/command/latency_histogram.h"

#include <doctest/doctest.h>

using namespace outrider;

TEST_CASE("latency histogram: percentiles are the true ones or at most 4.5 % above") {
  LatencyHistogram histogram;
  for (int value = 1; value <= 10'000; ++value) histogram.add(milliseconds{value});
  CHECK(histogram.percentile(0.5) >= 5000);
  CHECK(histogram.percentile(0.5) <= 5000 * 1.045);
  CHECK(histogram.percentile(0.99) >= 9900);
  CHECK(histogram.percentile(0.99) <= 10'000);
  CHECK(histogram.maximum() == doctest::Approx(10'000));
}

TEST_CASE("latency histogram: clocks that disagree count as zero, years end in the last bucket") {
  LatencyHistogram histogram;
  CHECK(histogram.percentile(0.5) == 0);
  histogram.add(seconds{-20});
  CHECK(histogram.percentile(0.99) == 0);
  histogram.add(std::chrono::hours{24 * 365 * 100});
  CHECK(histogram.percentile(1) == doctest::Approx(histogram.maximum()));
}
