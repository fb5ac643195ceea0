// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <thread>

#include "agent/base/time.h"

namespace outrider {

/// Lets time pass on the clock that paces a port: sleeps, or, in tests, turns the manual clock.
using Waiter = std::function<void(nanoseconds)>;

inline Waiter sleeping_waiter() {
  return [](nanoseconds length) { std::this_thread::sleep_for(length); };
}

/// Paced ports wake up at most this often: at 16 000 frames/s a wake-up per frame would cost more than the frames.
inline constexpr milliseconds kShortestWait{5};

/// What one `receive` of a port gives at most.
inline constexpr std::size_t kMaxBatch = 1000;

}  // namespace outrider
