// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/base/time.h"

namespace outrider {

/// What the publisher has done since the start.
struct PublisherCounters {
  std::uint64_t messages = 0;       ///< Acknowledged messages with rows.
  std::uint64_t rows = 0;           ///< Acknowledged rows; repeats count again.
  std::uint64_t payload_bytes = 0;  ///< Of acknowledged messages.
  std::uint64_t rejected = 0;       ///< Messages the broker refused.
  std::uint64_t connects = 0;
  std::uint64_t losses = 0;  ///< Established connections that broke.
};

/// The connection as it is now.
struct LinkState {
  std::string broker;  ///< That it is connected to, or that comes next.
  std::optional<BootTime>
      since;  ///< Connected or disconnected since then; absent before the first connection.
  std::optional<BootTime> next_attempt;  ///< While offline.
  std::string last_error;  ///< Of the last attempt or connection that failed, also when it is mended.
  std::optional<BootTime> last_error_at;
  std::size_t held_streams = 0;  ///< Whose next message was refused and is tried again.
};

}  // namespace outrider
