// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "agent/base/time.h"

namespace outrider {

struct BackoffLimits {
  milliseconds base{1000};    ///< Upper end of the first delay.
  milliseconds cap{120'000};  ///< No delay is longer.
};

/// Delay before attempt number `failures` + 1: uniform in [0, min(cap, base * 2^(failures-1))], "full
/// jitter".
///
/// Shape    `failures` counts failed attempts so far, from 1; `random` is uniform in [0, 1).
/// Source   AWS Architecture Blog, "Exponential Backoff And Jitter", 2015; aws-c-mqtt uses the same with 1 s
/// and 120 s.
milliseconds backoff_delay(const BackoffLimits& limits, std::uint32_t failures, double random);

}  // namespace outrider
