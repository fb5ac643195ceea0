// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "agent/base/time.h"
#include "agent/ports/broker.h"

namespace outrider {

/// What the publisher has done since the start.
struct PublisherCounters {
  std::uint64_t messages = 0;       ///< Acknowledged messages with rows.
  std::uint64_t rows = 0;           ///< Acknowledged rows; repeats count again.
  std::uint64_t payload_bytes = 0;  ///< Of acknowledged messages.
  std::uint64_t connects = 0;
  std::uint64_t losses = 0;     ///< Established connections that broke.
  std::uint64_t takeovers = 0;  ///< Of these, because another client came with our client id.
  std::uint64_t refusals = 0;   ///< Messages with rows that were refused, by the broker or by its limits.
  std::uint64_t passing_refusals = 0;               ///< Of these, for a reason that passes (quota).
  std::uint64_t buried = 0;                         ///< Rows that became dead letters.
  nanoseconds throttled{};                          ///< Time that rows waited for the configured rate.
  std::array<std::uint64_t, kLinkFaults> faults{};  ///< Attempts and connections that failed, by LinkFault.
};

/// The connection as it is now.
struct LinkState {
  bool is_connected = false;
  std::string broker;  ///< That it is connected to, or that comes next.
  std::optional<BootTime>
      since;  ///< Connected or disconnected since then; absent before the first connection.
  std::optional<BootTime> next_attempt;  ///< While offline.
};

/// A stream that waits because of what the broker said.
struct HeldStream {
  std::string topic;
  std::string reason;
  std::uint32_t refusals = 0;  ///< In a row.
  BootTime next_try{};
  /// Not the row but the topic or the broker is to blame: nothing of it goes out, and nothing is buried, until
  /// somebody mends that.
  bool needs_help = false;
};

/// What went wrong last, and when.
struct PublishTrouble {
  std::string text;
  BootTime at{};
};

}  // namespace outrider
