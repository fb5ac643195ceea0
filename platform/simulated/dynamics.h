// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>

#include "agent/base/ensure.h"
#include "agent/base/time.h"

namespace outrider {

/// Calls `advance(seconds)` until `dt` is covered, in slices short enough for the fastest part of the models.
template <class Advance>
void advance_in_slices(nanoseconds dt, Advance advance) {
  constexpr double kLongestSliceSeconds = 0.05;
  ENSURE(dt >= nanoseconds::zero());
  double left_s = std::chrono::duration<double>(dt).count();
  while (left_s > 0) {
    const double slice_s = std::min(left_s, kLongestSliceSeconds);
    advance(slice_s);
    left_s -= slice_s;
  }
}

/// A first-order lag: `value`, `dt_s` later, on its way to `target`.
inline double approach(double value, double target, double dt_s, double time_constant_s) {
  return value + (target - value) * (1 - std::exp(-dt_s / time_constant_s));
}

}  // namespace outrider
