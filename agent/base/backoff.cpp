// SPDX-License-Identifier: Apache-2.0
#include "agent/base/backoff.h"

#include <algorithm>

namespace outrider {

milliseconds backoff_delay(const BackoffLimits& limits, std::uint32_t failures, double random) {
  constexpr std::uint32_t kMostDoublings = 30;  // beyond any sensible cap, and far from overflow
  const std::uint32_t doublings = std::min(failures > 0 ? failures - 1 : 0, kMostDoublings);
  const double widest =
      std::min(static_cast<double>(limits.cap.count()),
               static_cast<double>(limits.base.count()) * static_cast<double>(1U << doublings));
  return milliseconds(static_cast<std::int64_t>(widest * random));
}

}  // namespace outrider
