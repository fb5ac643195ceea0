// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/config/config.h"
#include "agent/ports/broker.h"

namespace outrider {

/// Which broker is tried next, when, and with what: full jitter between attempts, brokers and their ports in the order of
/// the configuration. One that has proved itself, by a stable connection, is the first to be tried again.
///
/// Threads  pure.
class Attempts {
 public:
  explicit Attempts(const PublishConfig& config)
      : config_(config), refuses_retained_(config.brokers.size()) {}

  const BrokerAddress& broker() const { return config_.brokers[index_]; }
  BootTime next() const { return next_; }
  /// `will` is for a broker that retains; it is changed for one that does not.
  ConnectRequest request(std::string password, std::optional<LastWill> will) const;

  /// Connected. An event: nothing can be published under these limits, so the connection is as good as refused.
  std::optional<BrokerEvent> connected(const BrokerLimits& limits, BootTime now);
  /// `random` is uniform in [0, 1).
  void failed(const BrokerEvent& event, BootTime now, double random);
  /// We went by ourselves, to come back at once.
  void left(BootTime now) { next_ = now; }
  BootTime connected_at() const { return connected_at_; }

 private:
  bool has_other_host() const;

  const PublishConfig& config_;
  std::size_t index_ = 0;
  std::uint32_t failures_ = 0;          // attempts and short connections since the last stable one
  std::vector<bool> refuses_retained_;  // by broker: it said so
  BootTime next_{};
  BootTime connected_at_{};
};

/// Somebody has to mend a file or a broker first.
bool needs_help(const BrokerEvent& event);
/// Another client came with our client id.
bool is_takeover(const BrokerEvent& event);

}  // namespace outrider
