// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "agent/base/time.h"

namespace outrider {

/// The link is cut for `length`, beginning `start` after the beginning.
struct OutageWindow {
  nanoseconds start{};
  nanoseconds length{};
};

/// Scripted outages: whether bytes pass at a moment. Windows that overlap or touch are one.
///
/// Shape    windows may come in any order; empty ones do nothing.
/// Threads  pure questions.
class Outages {
 public:
  explicit Outages(std::vector<OutageWindow> windows);

  /// `elapsed` is the time since the beginning. The link is cut at the start of a window and passes at its end.
  bool is_passing(nanoseconds elapsed) const;

 private:
  struct Cut {
    nanoseconds begin;
    nanoseconds end;
  };
  std::vector<Cut> cuts_;  ///< Ordered, apart from each other.
};

}  // namespace outrider
