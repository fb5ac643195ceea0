// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "agent/config/config.h"

namespace outrider {

/// Most payload in flight for a buffer of this size. What was sent stays in the buffer until it is acknowledged, and
/// then only the rest of it can make room for new rows.
constexpr std::uint64_t in_flight_limit(std::uint64_t max_buffer_bytes) {
  constexpr std::uint64_t kEnough =
      1 << 20;  // a window of 64 messages of 16 KiB; 25 MB/s at 40 ms there and back
  return std::min(kEnough, max_buffer_bytes / 8);
}

struct PublisherOptions {
  PublishConfig config;
  std::string password = {};
  std::uint64_t max_in_flight_bytes = in_flight_limit(BufferConfig().max_bytes);
  std::uint64_t seed = 0;  ///< Of the pauses.
};

}  // namespace outrider
