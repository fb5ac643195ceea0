// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/outages.h"

#include <algorithm>

namespace outrider {

Outages::Outages(std::vector<OutageWindow> windows) {
  std::sort(windows.begin(), windows.end(),
            [](const OutageWindow& left, const OutageWindow& right) { return left.start < right.start; });
  for (const OutageWindow& window : windows) {
    if (window.length <= nanoseconds::zero()) continue;
    const nanoseconds end =
        window.start > nanoseconds::max() - window.length ? nanoseconds::max() : window.start + window.length;
    if (!cuts_.empty() && window.start <= cuts_.back().end) {
      cuts_.back().end = std::max(cuts_.back().end, end);
    } else {
      cuts_.push_back({window.start, end});
    }
  }
}

bool Outages::is_passing(nanoseconds elapsed) const {
  return std::none_of(cuts_.begin(), cuts_.end(),
                      [&](const Cut& cut) { return cut.begin <= elapsed && elapsed < cut.end; });
}

}  // namespace outrider
