// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>

#include "agent/config/config.h"
#include "agent/publish/token_bucket.h"

namespace outrider {

/// How fast messages may go out: publish.max_messages_per_second and publish.max_bytes_per_second.
///
/// Bound    A quarter of a second's worth may go at once: the loop turns at least every 50 ms, so an average is reached
///          also when a commit holds a turn up for a while, and a broker that counts per second sees at most 5/4 of the
///          rate, and two messages.
/// Threads  pure.
class Pace {
 public:
  explicit Pace(const PublishConfig& config) {
    if (config.max_messages_per_second) messages_.emplace(bucket(*config.max_messages_per_second));
    if (config.max_bytes_per_second)
      bytes_.emplace(bucket(static_cast<double>(*config.max_bytes_per_second)));
  }

  /// How large the next message is shows only when it has been made; so the bytes of the one before are paid first.
  bool allows_message(BootTime now) const {
    return (!messages_ || messages_->has(now, 1)) && (!bytes_ || bytes_->has(now, 1));
  }
  void sent(BootTime now, std::size_t bytes) {
    if (messages_) messages_->spend(now, 1);
    if (bytes_) bytes_->spend(now, static_cast<double>(bytes));
  }

 private:
  static TokenBucket bucket(double per_second) {
    constexpr double kBurstSeconds = 0.25;
    // One more than that: parts of a message are saved up until it is whole.
    return {per_second, 1 + per_second * kBurstSeconds};
  }

  std::optional<TokenBucket> messages_;
  std::optional<TokenBucket> bytes_;
};

}  // namespace outrider
