// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "agent/base/time.h"

namespace outrider {

/// Suspects that another client uses our client id, where the broker does not say so: MQTT 3.1.1 cannot, and mosquitto
/// before 2.0.15 does not (its issue 2607). Each of the two then finds its connections closed, without a reason and again
/// and again.
class TwinWatch {
 public:
  static constexpr std::uint32_t kSuspicious = 3;  ///< Connections in a row.
  /// Who comes back after a usual back-off would have closed a connection earlier than this.
  static constexpr std::chrono::minutes kPeace{10};

  /// A connection ended that had lasted for `lasted`. True: this looks like two with one name.
  bool lost(bool is_closed_without_reason, nanoseconds lasted) {
    const bool is_eviction = is_closed_without_reason && lasted < kPeace;
    evictions_ = is_eviction ? evictions_ + 1 : 0;
    return evictions_ >= kSuspicious;
  }

 private:
  std::uint32_t evictions_ = 0;
};

}  // namespace outrider
