// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "agent/base/time.h"

namespace outrider {

/// Holds an average rate: what is spent flows back evenly, and what was saved is `burst` at most.
///
/// Order    `now` never goes back.
/// Bound    within any time t no more than rate * t + burst, plus what the last `spend` took beyond what was there: the
///          bucket goes into debt rather than refusing an amount larger than itself for ever.
/// Threads  pure; has no clock of its own.
class TokenBucket {
 public:
  TokenBucket(double per_second, double burst) : per_second_(per_second), burst_(burst), level_(burst) {}

  /// True when at least `amount` is there, or the bucket is full.
  bool has(BootTime now, double amount) const { return level_at(now) >= std::min(amount, burst_); }

  void spend(BootTime now, double amount) {
    level_ = level_at(now) - amount;
    filled_to_ = now;
  }

 private:
  double level_at(BootTime now) const {
    const std::chrono::duration<double> passed = now - filled_to_;
    return std::min(burst_, level_ + per_second_ * passed.count());
  }

  double per_second_;
  double burst_;
  double level_;
  BootTime filled_to_{};
};

}  // namespace outrider
